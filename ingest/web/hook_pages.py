"""Where vendors send their notices: answered at once, and never with 410, by which some take their leave for ever."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ingest.grants import hooks

router = APIRouter(prefix="/hooks")


@router.get("/{vendor}/{app_id}")
def handshake(request: Request, vendor: str, app_id: int) -> Response:
    """Answer the vendor's question whether its notices may come here."""
    answer = hooks.answer_handshake(vendor, app_id, dict(request.query_params))
    return Response(answer.body, answer.status, dict(answer.headers))


@router.post("/{vendor}/{app_id}")
async def receive(request: Request, vendor: str, app_id: int) -> Response:
    """Take a notice in; its body is verified as it came, to the byte."""
    body = await request.body()
    return Response(status_code=await run_in_threadpool(hooks.receive, vendor, app_id, dict(request.headers), body))
