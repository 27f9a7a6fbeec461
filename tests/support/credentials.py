"""Certificates, hashed tokens and JWTs, as an operator and an issuer would make them."""

import base64
import hashlib
import ipaddress
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

LATE_S = 4_102_444_800
PAST_S = 1_000_000_000


class Authority:
    """Signs certificates, and writes them and their keys as PEM files into a folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject(name)
        own = _certificate(self._name, self._name, self._key.public_key(), ca=True)
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Files of a certificate for this machine, and of its key; replaces earlier ones."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = _certificate(_subject(name), self._name, key.public_key(), ca=False).sign(
            self._key, hashes.SHA256()
        )
        paths = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        paths[0].write_bytes(_pem(signed))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return paths


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )


def token_line(name: str, role: str, token: str, **more: str) -> str:
    """One line of the file of tokens."""
    sha256 = hashlib.sha256(token.encode()).hexdigest()
    return json.dumps({"name": name, "role": role, "sha256": sha256, **more})


def write_lines(file: Path, lines: Iterable[str]) -> Path:
    """The file, replaced at once as an editor would."""
    draft = file.with_suffix(".new")
    draft.write_text("".join(f"{line}\n" for line in lines))
    draft.replace(file)
    return file


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8))


class Issuer:
    """Signs JWTs by a key of one algorithm: RS256, ES256 or EdDSA."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm
        self._rsa = rsa.generate_private_key(65_537, 2_048) if algorithm == "RS256" else None
        self._ec = ec.generate_private_key(ec.SECP256R1())
        self._ed = ed25519.Ed25519PrivateKey.generate()

    def jwk(self) -> dict[str, str]:
        """Its public key, for a key set."""
        about = {"kid": self.algorithm, "alg": self.algorithm, "use": "sig"}
        if self._rsa is not None:
            public = self._rsa.public_key().public_numbers()
            return {**about, "kty": "RSA", "n": _number(public.n), "e": _number(public.e)}
        if self.algorithm == "ES256":
            point = self._ec.public_key().public_numbers()
            x, y = (_encoded(value.to_bytes(32)) for value in (point.x, point.y))
            return {**about, "kty": "EC", "crv": "P-256", "x": x, "y": y}
        raw = self._ed.public_key().public_bytes_raw()
        return {**about, "kty": "OKP", "crv": "Ed25519", "x": _encoded(raw)}

    def sign(self, **claims: Any) -> str:
        """A token of these claims, which holds until 2100 unless they say otherwise."""
        header = {"alg": self.algorithm, "kid": self.algorithm, "typ": "JWT"}
        parts = (header, {"exp": LATE_S, **claims})
        text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_encoded(self._signature(text.encode()))}"

    def _signature(self, text: bytes) -> bytes:
        if self._rsa is not None:
            return self._rsa.sign(text, padding.PKCS1v15(), hashes.SHA256())
        if self.algorithm == "ES256":
            r, s = decode_dss_signature(self._ec.sign(text, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
        return self._ed.sign(text)


def key_set(*issuers: Issuer) -> str:
    """A JWKS file's text."""
    return json.dumps({"keys": [issuer.jwk() for issuer in issuers]})
