"""Alerting played deterministically: one seed is one world, its people, its faults and its verdict.

make simulate RUNS=2000 SEED=1
"""
