from refport_core.users import Role


def test_each_role_may_what_the_next_one_may() -> None:
    assert {
        (role, needed) for role in Role for needed in Role if role.may(needed)
    } == {
        (Role.OWNER, Role.OWNER), (Role.OWNER, Role.MEMBER), (Role.OWNER, Role.VIEWER),
        (Role.MEMBER, Role.MEMBER), (Role.MEMBER, Role.VIEWER),
        (Role.VIEWER, Role.VIEWER),
    }  # fmt: skip
