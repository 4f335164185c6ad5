"""The register pages: enterprises, rescue teams, agreements."""
