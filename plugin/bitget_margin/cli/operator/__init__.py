"""The operator's commands `bitget-margin orders` and `bitget-margin cancel`."""
