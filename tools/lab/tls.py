"""Certificates for loopback, from an authority made on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: a certificate for 127.0.0.1 and localhost, its key, and the authority that vouches."""

    cert: Path
    key: Path
    authority: Path

    @classmethod
    def make(cls, folder: Path) -> Tls:
        """Makes them in `folder`."""
        import trustme  # Only tests need it.

        authority = trustme.CA()
        leaf = authority.issue_cert("127.0.0.1", "localhost")
        files = cls(cert=folder / "cert.pem", key=folder / "key.pem", authority=folder / "authority.pem")
        folder.mkdir(parents=True, exist_ok=True)
        files.key.touch(mode=0o600)
        leaf.private_key_pem.write_to_path(str(files.key))
        files.cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        authority.cert_pem.write_to_path(str(files.authority))
        return files
