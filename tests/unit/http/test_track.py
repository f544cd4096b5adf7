"""Which commission a reported sale is answered with."""

from adapters.http.track import commission_of
from refport_core.programs import ProgramVersion
from tests.contract.persistence.books import a_commission, a_sale

VERSION = ProgramVersion(program_id="prog_1", version=1, effective_from=None)


def test_what_only_a_payouts_line_remembers_is_not_owed_any_more() -> None:
    """R23."""
    remembered = a_commission("com_1", currency="eur")
    of_another_partner = a_commission("com_2", partner_id="prt_2", version=VERSION)
    of_another_program = a_commission("com_3", program_id="prog_2", version=VERSION)
    others = [remembered, of_another_partner, of_another_program]
    owed = a_commission("com_4", version=VERSION)

    assert owed == commission_of(a_sale(), [*others, owed])
    assert commission_of(a_sale(), others) is None
