"""The demo: four nodes and 25 bureaus on one machine, loaded with what bureaus reported; no real business."""
