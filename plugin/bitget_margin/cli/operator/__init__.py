"""The operator's commands `bitget-margin account`, `bitget-margin orders` and `bitget-margin cancel`."""
