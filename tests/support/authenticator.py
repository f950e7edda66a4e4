"""A security key in software: makes and uses WebAuthn credentials as a browser would hand them on.

It knows nothing of the code under test; what it answers is written from the specifications
(WebAuthn level 2, and the FIDO U2F raw messages for keys that are older).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ORIGIN = "http://localhost:8000"
PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40


def b64(data: bytes) -> str:
    """Bytes as WebAuthn writes them in JSON."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes of such a text."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Credential:
    """A key pair on the authenticator."""

    id: bytes
    private_key: ec.EllipticCurvePrivateKey
    rp_id: str
    user_handle: bytes | None


@dataclass
class SoftKey:
    """An authenticator with a browser before it.

    Attributes:
        origin: the page that the browser shows.
        is_u2f: whether it is a key of the first generation (CTAP1): it verifies no user, keeps no
            credential, and its attestation has the form of U2F.
        verifies_user: whether it checks a PIN or a finger.
        counts: whether it counts its uses; keys that are synchronised do not.
        is_synced: whether its credentials are copied to other devices.
        answers_rk: what the browser says about a credential that was asked to be discoverable.
    """

    origin: str = ORIGIN
    is_u2f: bool = False
    verifies_user: bool = True
    counts: bool = True
    is_synced: bool = False
    answers_rk: bool | None = True
    count: int = 0
    credentials: list[Credential] = field(default_factory=list)

    def make(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """What `navigator.credentials.create` returns for these options, as JSON.

        Raises:
            LookupError: if it has one of the credentials that are excluded.
        """
        excluded = {unb64(row["id"]) for row in options.get("excludeCredentials", [])}
        if any(row.id in excluded for row in self.credentials):
            raise LookupError("InvalidStateError")
        selection = options["authenticatorSelection"]
        if self.is_u2f and "required" in (
            selection["residentKey"],
            selection["userVerification"],
        ):
            raise LookupError("NotAllowedError")
        credential = Credential(
            secrets.token_bytes(64 if self.is_u2f else 32),
            ec.generate_private_key(ec.SECP256R1()),
            options["rp"]["id"],
            unb64(options["user"]["id"]) if selection["residentKey"] == "required" else None,
        )
        self.credentials.append(credential)
        data = self._client_data("webauthn.create", options["challenge"], client_data)
        is_verified = selection["userVerification"] != "discouraged"
        authenticator_data = self._data(credential, is_verified, with_key=True)
        return {
            "id": b64(credential.id),
            "rawId": b64(credential.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": b64(data),
                "attestationObject": b64(self._attest(credential, authenticator_data, data)),
                "transports": ["usb"] if self.is_u2f else ["usb", "internal"],
            },
            "clientExtensionResults": (
                {} if self.answers_rk is None else {"credProps": {"rk": self.answers_rk}}
            ),
        }

    def use(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """What `navigator.credentials.get` returns for these options, as JSON.

        Raises:
            LookupError: if it has no credential that fits.
        """
        allowed = [unb64(row["id"]) for row in options.get("allowCredentials", [])]
        fitting = [
            row
            for row in self.credentials
            if row.rp_id == options["rpId"]
            and (row.id in allowed if allowed else row.user_handle is not None)
        ]
        if not fitting:
            raise LookupError("NotAllowedError")
        return self.sign(fitting[-1], options, **client_data)

    def sign(
        self, credential: Credential, options: dict[str, Any], **client_data: Any
    ) -> dict[str, Any]:
        """The answer of one credential, whatever the options allow."""
        data = self._client_data("webauthn.get", options["challenge"], client_data)
        is_verified = options.get("userVerification") != "discouraged"
        authenticator_data = self._data(credential, is_verified)
        signed = authenticator_data + hashlib.sha256(data).digest()
        response = {
            "clientDataJSON": b64(data),
            "authenticatorData": b64(authenticator_data),
            "signature": b64(credential.private_key.sign(signed, ec.ECDSA(hashes.SHA256()))),
        }
        if credential.user_handle is not None:
            response["userHandle"] = b64(credential.user_handle)
        return {
            "id": b64(credential.id),
            "rawId": b64(credential.id),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }

    def _client_data(self, kind: str, challenge: str, more: dict[str, Any]) -> bytes:
        data = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(data | more).encode()

    def _data(self, credential: Credential, is_verified: bool, *, with_key: bool = False) -> bytes:
        self.count += self.counts
        flags = PRESENT
        if is_verified and self.verifies_user and not self.is_u2f:
            flags |= VERIFIED
        if self.is_synced:
            flags |= BACKUP_ELIGIBLE | BACKED_UP
        head = hashlib.sha256(credential.rp_id.encode()).digest()
        tail = struct.pack(">I", self.count)
        if not with_key:
            return head + bytes([flags]) + tail
        aaguid = bytes(16) if self.is_u2f else bytes(range(16))
        attested = aaguid + struct.pack(">H", len(credential.id)) + credential.id
        return head + bytes([flags | HAS_KEY]) + tail + attested + _cose(credential.private_key)

    def _attest(
        self, credential: Credential, authenticator_data: bytes, client_data: bytes
    ) -> bytes:
        statement: dict[str, Any] = {}
        if self.is_u2f:
            maker = ec.generate_private_key(ec.SECP256R1())
            signed = (
                b"\x00"
                + authenticator_data[:32]
                + hashlib.sha256(client_data).digest()
                + credential.id
                + credential.private_key.public_key().public_bytes(
                    serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
                )
            )
            signature = maker.sign(signed, ec.ECDSA(hashes.SHA256()))
            statement = {"x5c": [_certificate(maker)], "sig": signature}
        form = "fido-u2f" if self.is_u2f else "none"
        return cbor2.dumps({"fmt": form, "attStmt": statement, "authData": authenticator_data})


def _cose(private_key: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = private_key.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})


def _certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A maker of keys")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)
