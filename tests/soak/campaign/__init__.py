"""Rounds drawn from a seed against the local venue, each judged by the venue's own books; see docs/campaign.md."""
