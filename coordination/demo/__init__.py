"""The demo province: invented people, firms, teams and promises, all labelled 演示.

A pure function of a seed and a day, so that its terms never go stale: what "expires in 12 days" does so
on whatever day it is loaded. `people`, `firms`, `teams` and `promises` say what there is; `province` writes it.
"""
