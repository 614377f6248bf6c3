"""The public record: published scores, ranks and solve rates, and own runs placed among them."""
