"""All attacks by name, in the order in which they run."""

from collections.abc import Mapping
from typing import Final

from siege.attack import Attack
from siege.attacks import (
    broken_requests,
    dishonest_users,
    floods,
    searches,
    sign_ins,
    slow_connections,
    slow_uploads,
)

ATTACKS: Final[Mapping[str, Attack]] = {
    attack.name: attack
    for module in (
        slow_connections,
        slow_uploads,
        broken_requests,
        sign_ins,
        dishonest_users,
        floods,
        searches,  # last, because it fills the store
    )
    for attack in module.ATTACKS
}
