"""Geographic files in and out: layers as tables, scenarios and plans as layers."""
