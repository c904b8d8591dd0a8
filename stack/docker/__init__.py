"""The lab as containers. Nothing else imports docker."""
