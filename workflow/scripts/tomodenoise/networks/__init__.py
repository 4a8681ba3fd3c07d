"""Networks: their specification, construction and storage."""
