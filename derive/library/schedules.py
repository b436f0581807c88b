"""Schedules: rows of data, each formula typed once; where one is made of others, it is put together from their text.

`first` says which t is that of the first step: 0 where a package counts from 0 (torch: `last_epoch`; optax: `count`;
Keras: `iterations`), 1 where it counts from 1, as lectures and papers do. `rho` is what packages call gamma, which is a
function in the language of schedules. Names are those of the lecture: eta0 the initial learning rate, T a length.
"""

from __future__ import annotations

from derive.library import schedules_optax, schedules_powers, schedules_torch
from derive.schedule_rule import ScheduleRule

SCHEDULES: dict[str, ScheduleRule] = {
    row.name: row for row in (*schedules_powers.ROWS, *schedules_torch.ROWS, *schedules_optax.ROWS)
}
