"""Random rounds against the emulator, each judged by the emulator's own books; see docs/campaign.md."""
