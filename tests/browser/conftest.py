from tests.ingest.web.web_stage import stage

__all__ = ["stage"]
