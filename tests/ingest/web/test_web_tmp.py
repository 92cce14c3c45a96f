import os

from playwright.sync_api import sync_playwright
from web_stage import *

from ingest.models import Connection, Rejected, Run, VendorAccount

ARGS=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync", "--disable-component-update"]
LOOKS=[("390l",390,844,"light"),("390d",390,844,"dark"),("1280l",1280,800,"light")]
only=os.environ.get("ONLY","").split(",") if os.environ.get("ONLY") else None
def test_shots(stage):
    people_={
     "learning": dict(count=9), "early": dict(count=30), "usual": dict(), "leaning": dict(strained=6), "strained": dict(strained=10), "signs": dict(strained=5,ill=True),
     "easing": dict(strained=12,eased=3), "waiting": dict(last=TODAY-timedelta(days=1)), "silent": dict(last=TODAY-timedelta(days=3)), "empty": None, "gaps": dict(missing=(3,4,9,20,21,22,23)), "few": dict(missing=tuple(range(2,16))),
    }
    with sync_playwright() as p:
        b=p.chromium.launch(executable_path="/usr/bin/chromium",args=ARGS)
        for name,kw in people_.items():
            if only and name not in only: continue
            s=stage.sitter(f"{name}@example.org", nights(**kw) if kw is not None else (), told=name=="strained")
            print(name, s.assessments[-1].state if s.assessments else None)
            todo=[("today","/today")]
            if name=="strained":
                with transaction() as d:
                    acc=VendorAccount(person=s.id,vendor="whoop",created_at=clock.now()); d.add(acc); d.flush()
                    con=Connection(vendor_account=acc.id,kind="file",state_since=clock.now(),created_at=clock.now()) if hasattr(Connection,"created_at") else Connection(vendor_account=acc.id,kind="file",state_since=clock.now()); d.add(con); d.flush()
                    r1=Run(person=s.id,connection=con.id,kind="import",state="running",done=400000,total=900000,summary={"file":"my_whoop_data_2026.zip"},created_at=clock.now()); d.add(r1)
                    r2=Run(person=s.id,connection=con.id,kind="import",state="partial",done=9,total=9,rejected=3,summary=dict(file="my.zip",nights=1043,new=9120,revised=12,unchanged=0,first_day="2023-10-02",last_day="2026-11-22"),created_at=clock.now()); d.add(r2)
                    r3=Run(person=s.id,kind="import",state="cancelled",error="photos.zip: no physiological_cycles.csv in it: in WHOOP, More → App settings → Data export.",summary=dict(file="photos.zip"),created_at=clock.now()); d.add(r3); d.flush()
                    for i,(f,why) in enumerate([("Heart rate variability (ms)","-3 is not plausible (5 to 300)"),(None,"Cycle end time is before its start"),("Resting heart rate (bpm)","'abc' is no number")]):
                        d.add(Rejected(connection=con.id,stream="cycles",fingerprint=str(i),field=f,line=i*111+12,reason=why,body=b"x",run=r2.id,at=clock.now()))
                    ids=(r1.id,r2.id,r3.id)
                s.client.post("/tags",data=dict(cause="alcohol",first="2026-11-14",last="2026-11-15"))
                todo+= [("history","/history"),("history1y","/history?span=1y"),("import","/import"),("channels","/channels"),("data","/data"),("alert",f"/alerts/{s.alert}")]+[(f"run{i}",f"/import/{x}") for i,x in enumerate(ids)]+[("404","/nope"),("noted","/today?noted=alcohol")]
            for look,w,h,scheme in LOOKS:
                c=b.new_context(viewport=dict(width=w,height=h),color_scheme=scheme,device_scale_factor=1)
                c.add_cookies([dict(name="vagus_session",value=s.cookie,url=stage.url)])
                pg=c.new_page()
                for t,path in todo:
                    pg.goto(stage.url+path); pg.screenshot(path=f"/tmp/shots/{t}_{name}_{look}.png",full_page=True)
                    sw=pg.evaluate("document.documentElement.scrollWidth"); assert sw<=w,(path,sw)
                c.close()
        if not only or "first" in only:
          for look,w,h,scheme in LOOKS:
            c=b.new_context(viewport=dict(width=w,height=h),color_scheme=scheme); pg=c.new_page()
            pg.goto(stage.url); pg.screenshot(path=f"/tmp/shots/first_{look}.png",full_page=True)
            pg.click("text=Sign in"); pg.screenshot(path=f"/tmp/shots/signin_{look}.png",full_page=True)
            pg.fill("#address","new@example.org"); pg.click("text=Send me a code"); pg.screenshot(path=f"/tmp/shots/code_{look}.png",full_page=True)
            c.close()
        b.close()
