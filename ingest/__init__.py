"""Data on its way in: from vendors and files to the database, and the pages that connect them."""
