"""The scripted model with a clock: `GET /requests` also says when each was asked (`_at`, seconds since 1970).

`ok:COUNT:RATE` then tells when each token left the model: token n at `_at` + n / RATE.
"""

import argparse
import asyncio
import time
from typing import Any

from tests.services.scripted_model import ScriptedModel


class TimedModel(ScriptedModel):
    """Notes the time of each request."""

    async def _answer(self, request: dict[str, Any], *args: Any) -> bool:
        self.requests[-1]["_at"] = time.time()
        return await super()._answer(request, *args)


async def _serve(port: int) -> None:
    await TimedModel(port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().port))
