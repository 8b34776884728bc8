"""The commands of `yinqiao`, one module a group: each asks the layers below, and shows."""
