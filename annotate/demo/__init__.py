"""The demo project: content written for Tandem and people simulated over it."""
