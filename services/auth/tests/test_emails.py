"""Tests of the comparison of email addresses, and of which may be registered."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from auth.emails import earlier_normal_form, is_confusable, normalize_email
from auth.schemas import SignInIn, SignUpIn
from common.testing.client import Client

PASSWORD = "secret"
DOTLESS_I = "\u0131"
"""Its capital is the one of i, to which it is not equal."""
LOCAL_PARTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


def validated(email: str) -> str:
    return SignInIn(email=email, password=PASSWORD).email


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.com", "aNN@eXAMPLE.COM"),
        ("JÜRGEN@example.com", "jürgen@example.com"),
        ("ΣΊΣΥΦΟΣ@example.com", "σίσυφος@example.com"),
        ("WEIẞ@example.com", "weiß@example.com"),
        ("ann@STRAẞE.de", "ann@straße.de"),
        ("ann@xn--strae-oqa.de", "ann@straße.de"),
        ("ann@MÜNCHEN.de", "ann@mu\u0308nchen.de"),
    ],
)
def test_emails_are_compared_without_letter_case(one: str, other: str) -> None:
    assert normalize_email(validated(one)) == normalize_email(validated(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("weiß@example.com", "weiss@example.com"),
        ("ann@straße.de", "ann@strasse.de"),
        ("ann@βόλος.com", "ann@βόλοσ.com"),
        ("ﬁ@example.com", "fi@example.com"),
        ("\u0131@example.com", "i@example.com"),
        ("a.b@example.com", "ab@example.com"),
    ],
)
def test_emails_of_different_people_are_not_equated(one: str, other: str) -> None:
    assert normalize_email(validated(one)) != normalize_email(validated(other))


@given(LOCAL_PARTS)
def test_normal_form_is_stable(text: str) -> None:
    local = unicodedata.normalize("NFC", text)

    normal = normalize_email(f"{local}@example.com")

    assert normalize_email(normal) == normal


@given(LOCAL_PARTS)
def test_emails_that_are_equal_now_were_equal_before(text: str) -> None:
    """Two accounts that existed before therefore cannot become equal."""
    email = f"{unicodedata.normalize('NFC', text)}@example.com"

    assert earlier_normal_form(normalize_email(email)) == earlier_normal_form(email)


@given(LOCAL_PARTS)
def test_upper_case_of_one_character_each_is_equal(text: str) -> None:
    local = unicodedata.normalize("NFC", text)
    upper = "".join(c.upper() if len(c.upper()) == 1 and c != DOTLESS_I else c for c in local)

    assert normalize_email(f"{upper}@a.de") == normalize_email(f"{local}@a.de")


@given(st.text())
def test_functions_of_arbitrary_text_do_not_raise(text: str) -> None:
    normalize_email(text)
    is_confusable(text)


@given(st.from_regex(r"[!-?A-~]{1,64}@[a-z0-9-]{1,20}\.[a-z]{2,10}", fullmatch=True))
def test_ascii_email_is_never_confusable(email: str) -> None:
    assert not is_confusable(email)


@pytest.mark.parametrize(
    "email",
    [
        "jürgen@example.com",
        "ann@münchen.de",
        "вася@example.com",
        "вася@почта.рф",
        "\u0441\u043e\u0441\u043e@почта.рф",
        "山田たろう@example.com",
        "yamada山田タロー@example.com",
        "김철수@example.kr",
        "δημήτρης@example.gr",
        "محمد@example.com",
        "देवनागरी@example.com",
        "o'brien+tickets@example.com",
    ],
)
def test_email_in_one_script_may_be_registered(email: str) -> None:
    assert SignUpIn(email=email, password=PASSWORD).email == email


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("\u0430nn@example.com", id="Cyrillic a among Latin letters"),
        pytest.param("ann@ex\u0430mple.com", id="Cyrillic a in the domain"),
        pytest.param("ann\u03bf@example.com", id="Greek omicron"),
        pytest.param("\u0441\u043e\u0441\u043e@example.com", id="only Cyrillic lookalikes"),
        pytest.param("\u041c\u0410\u0422\u0422@example.com", id="only capital lookalikes"),
        pytest.param("ann@\u0430\u0440\u0440\u04cf\u0435.com", id="lookalike domain"),
        pytest.param("\uff41nn@example.com", id="full width"),
        pytest.param("\U0001d41ann@example.com", id="mathematical"),
        pytest.param("\ufb01n@example.com", id="ligature"),
        pytest.param("ann1\u0662@example.com", id="digits of two scripts"),
        pytest.param("ann\u1160@example.com", id="a letter that is not displayed"),
        pytest.param("ann\ufe0f@example.com", id="a variation selector"),
        pytest.param("a\u2010n@example.com", id="a hyphen that is not ASCII"),
        pytest.param("\ua4d0\ua4d1@example.com", id="Lisu, which looks like Latin"),
        pytest.param("\u13a0\u13a1@example.com", id="Cherokee, which looks like Latin"),
    ],
)
def test_email_that_looks_like_another_is_rejected_at_sign_up_only(email: str) -> None:
    with pytest.raises(ValidationError):
        SignUpIn(email=email, password=PASSWORD)

    assert is_confusable(email)


async def test_confusable_email_is_rejected_with_its_field(auth: Client) -> None:
    credentials = {"email": "\u0430nn@example.com", "password": PASSWORD}

    signed_up = await auth.post("/api/users/signup", json=credentials)
    signed_in = await auth.post("/api/users/signin", json=credentials)

    assert signed_up.status_code == 400
    assert signed_up.json() == {
        "errors": [{"message": "Email must use letters of one alphabet", "field": "email"}]
    }
    assert signed_in.json() == {"errors": [{"message": "Invalid credentials"}]}


async def test_people_with_sharp_s_and_double_s_have_two_accounts(auth: Client) -> None:
    sharp = {"email": "weiß@example.com", "password": "password of sharp"}
    double = {"email": "weiss@example.com", "password": "password of double"}

    users = [
        (await auth.post("/api/users/signup", json=credentials)).json()
        for credentials in (sharp, double)
    ]
    signed_in = [
        (await auth.post("/api/users/signin", json=credentials)).json()
        for credentials in (sharp, double)
    ]

    assert signed_in == users
    assert users[0]["id"] != users[1]["id"]
