import smtplib
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from mail_local.testing import Server


def _letter(to: str = "ada@example.com", subject: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, subject
    message["Message-ID"] = "<1@example.com>"
    message.set_content("Open http://localhost/verify?token=1 now.")
    message.add_alternative("<p>Open <b>it</b></p><script>1</script>", subtype="html")
    return message


def _send(server: Server, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=10) as smtp:
        smtp.send_message(message)


def test_letter_is_listed_with_its_parts_and_links(server: Server) -> None:
    _send(server, _letter(subject="Grüße"))
    (letter,) = server.control.letters("ADA@example.com")
    assert letter["recipients"] == ["ada@example.com"]
    assert letter["subject"] == "Grüße"
    assert letter["messageId"] == "<1@example.com>"
    assert letter["links"] == ["http://localhost/verify?token=1"]
    assert "<b>it</b>" in letter["html"]
    assert server.control.letters("bob@example.com") == []


def test_letters_survive_a_kill(database: Path) -> None:
    with Server(database) as server:
        _send(server, _letter())
        server.kill()
        server.start()
        server.wait_ready()
        assert len(server.control.letters()) == 1


@pytest.mark.parametrize(("action", "code"), [("reject_letter", 550), ("reject_letter", 451)])
def test_rejected_letter_is_not_stored(server: Server, action: str, code: int) -> None:
    server.control.fault(action, code=code)
    with pytest.raises(smtplib.SMTPDataError) as raised:
        _send(server, _letter())
    assert raised.value.smtp_code == code
    assert server.control.letters() == []
    _send(server, _letter())
    assert len(server.control.letters()) == 1


def test_recipient_of_a_matching_fault_is_rejected(server: Server) -> None:
    server.control.fault("reject_recipient", match="*@gone.example", code=550, times=None)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        _send(server, _letter("ada@gone.example"))
    _send(server, _letter())
    assert len(server.control.letters()) == 1


def test_dropped_response_leaves_a_stored_letter(server: Server) -> None:
    server.control.fault("drop")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        _send(server, _letter())
    assert len(server.control.letters()) == 1


@pytest.mark.parametrize(("action", "stored"), [("hang", 1), ("hang_unstored", 0)])
def test_hanging_response_comes_after_its_delay(server: Server, action: str, stored: int) -> None:
    server.control.fault(action, delay_seconds=0.01)
    _send(server, _letter())
    assert len(server.control.letters()) == stored


def test_letter_can_be_stored_twice(server: Server) -> None:
    server.control.fault("store_twice")
    _send(server, _letter())
    assert [one["messageId"] for one in server.control.letters()] == ["<1@example.com>"] * 2


def test_pages_show_a_letter_and_run_none_of_its_scripts(server: Server) -> None:
    _send(server, _letter(subject="<b>Hello</b>"))
    letter = server.control.letters()[0]
    listed = httpx.get(f"{server.url}/mail/").text
    assert "&lt;b&gt;Hello&lt;/b&gt;" in listed
    page = httpx.get(f"{server.url}/mail/{letter['id']}")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    html = httpx.get(f"{server.url}/mail/{letter['id']}/html")
    assert "sandbox" in html.headers["content-security-policy"]
    assert "allow-scripts" not in html.headers["content-security-policy"]


def test_control_api_needs_its_header_and_rejects_unknown_faults(server: Server) -> None:
    assert httpx.get(f"{server.url}/_local/letters").status_code == 403
    headers = {"X-Mail-Local": "1"}
    for body in ('{"action": "explode"}', '{"what": 1}', "[]", '{"action": "drop", "code": 200}'):
        response = httpx.post(f"{server.url}/_local/faults", content=body, headers=headers)
        assert response.status_code == 400
