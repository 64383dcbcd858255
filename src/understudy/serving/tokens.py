"""A state as a text that a client can keep and hand in again: signed, so that only what was handed out comes in."""

import base64
import hashlib
import hmac
import secrets
import struct
from binascii import Error

import numpy as np

from understudy.generation.stream import StreamState
from understudy.serving.refusals import Refused

_HEAD = struct.Struct("<16sQQB")
_SIGNATURE = hashlib.sha256().digest_size
_DAMAGED = "state: not one that this server has handed out for this model since it started; give the prompt again"


class Tokens:
    """Signs states with a key that lives as long as the server."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def sign(self, state: StreamState, model: bytes) -> str:
        """The token of a state of the model with that digest of 16 bytes."""
        numbers = np.concatenate([state.logits, *state.layers]).astype("<f4").tobytes()
        head = _HEAD.pack(model, state.seed, state.drawn, len(state.pending))
        payload = head + bytes(state.pending) + numbers
        return base64.urlsafe_b64encode(self._signature(payload) + payload).decode()

    def read(self, token: str, model: bytes, widths: tuple[int, ...]) -> StreamState:
        """The state of a token, for the model with that digest, whose logits and layers have those widths.

        Raises:
            Refused: it is none of ours, or another model's.
        """
        try:
            whole = base64.b64decode(token.encode(), b"-_", validate=True)
        except (Error, ValueError) as error:
            raise Refused(400, _DAMAGED, param="state") from error
        signature, payload = whole[:_SIGNATURE], whole[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._signature(payload)):
            raise Refused(400, _DAMAGED, param="state")
        owner, seed, drawn, pending = _HEAD.unpack_from(payload)
        if owner != model:
            raise Refused(400, "state: it is another model's; hand it in for the model that gave it", param="state")
        begin = _HEAD.size + pending
        numbers = np.frombuffer(payload[begin:], "<f4").astype(np.float32)
        logits, *layers = np.split(numbers, np.cumsum(widths[:-1]))
        return StreamState(tuple(layers), logits, seed, drawn, tuple(payload[_HEAD.size : begin]))

    def _signature(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()
