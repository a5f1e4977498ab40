"""What a release is made of, made from the checkout and what `make install` installed, without a network.

The **archives** (wheel and sdist), the **bill** of materials of a plain install (an SBOM as CycloneDX JSON), the
**licences** of all that the lock file brings, and the sums of what lies in ``dist/``.
"""
