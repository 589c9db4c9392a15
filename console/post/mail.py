"""Mail: into a folder on trial installations, through SMTP otherwise, one connection for a batch of letters."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import format_datetime, localtime, parseaddr
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from console.errors import N_
from console.post import folder, tokens
from console.post.channels import MAIL, TIMEOUT, Channel, NoSuchAddress, NotSent, OutgoingMessage, Send, Undeliverable
from console.post.deadline import within

if TYPE_CHECKING:
    from config import Settings

LOCAL = {"localhost", "127.0.0.1", "::1"}
OURS_TO_MEND = (530, 534, 535)  # sign-in trouble: the letter is not at fault
NO_SUCH = re.compile(rb"\b5\.(?:1\.[0-9]{1,3}|2\.1)\b")  # RFC 3463: addressing, and a mailbox that was switched off
REASONED = re.compile(rb"\b5\.[0-9]{1,3}\.[0-9]{1,3}\b")


@contextmanager
def open_line(settings: Settings) -> Iterator[Send]:
    line = Line(settings.mail_url, settings.mail_from, settings.bounces_to)
    try:
        yield line.send
    finally:
        line.close()


CHANNEL = Channel(MAIL, N_("邮件"), address="email", settings=("MAIL_URL", "MAIL_FROM", "BOUNCES_TO"), open=open_line)


class Line:
    """The folder, or a connection to the mail server: made when the first letter goes and kept for the next ones."""

    def __init__(self, url: str, sender: str, bounces_to: str = "") -> None:
        self.url, self.sender, self.bounces_to = url, sender, bounces_to
        self.server: smtplib.SMTP | None = None

    def send(self, message: OutgoingMessage) -> None:
        """Raises NotSent (no connection, 4xx) or Undeliverable (the address or the letter was refused for good)."""
        mail = compose(message, self.sender)
        target = folder.folder_of(self.url)
        if target is not None:
            return folder.put(target, message.key, "eml", mail.as_bytes())
        try:
            with within(4 * TIMEOUT, lambda: self.server.sock if self.server else None):
                self._ready().send_message(mail, from_addr=self._returns(message.key))
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(*next(iter(error.recipients.values()), (550, b"")), of_address=True) from None
        except smtplib.SMTPNotSupportedError:
            raise Undeliverable(why="邮箱地址含有中文等字符，邮件服务器不支持") from None
        except smtplib.SMTPResponseException as error:
            raise _refused(error.smtp_code, error.smtp_error) from None
        except (OSError, smtplib.SMTPException) as error:
            self.close()  # what was said on this connection is unknown: the next letter gets a new one
            raise NotSent(why=f"邮件服务器 {type(error).__name__}") from None

    def _returns(self, key: str) -> str | None:
        """The sender on the envelope: where a mail that cannot be delivered comes back to, with the key that says which it was."""
        if not (self.bounces_to and tokens.TOKEN.fullmatch(key)):
            return None
        name, _, host = self.bounces_to.partition("@")
        return f"{name}+{key}@{host}"

    def _ready(self) -> smtplib.SMTP:
        """The connection that is there, if it still answers: servers hang up on whoever was silent, or said enough."""
        if self.server is not None:
            with suppress(OSError, smtplib.SMTPException):
                if self.server.noop()[0] == 250:
                    return self.server
            self.close()
        self.server = _connect(self.url)
        return self.server

    def close(self) -> None:
        server, self.server = self.server, None
        if server is not None:
            with suppress(OSError, smtplib.SMTPException), within(1, lambda: server.sock):
                server.quit()
            server.close()


def send(message: OutgoingMessage, *, url: str, sender: str) -> None:
    """One letter on a connection of its own."""
    line = Line(url, sender)
    try:
        line.send(message)
    finally:
        line.close()


def compose(message: OutgoingMessage, sender: str) -> EmailMessage:
    mail = EmailMessage()
    host = parseaddr(sender)[1].partition("@")[2] or "localhost"
    mail["From"] = sender
    try:
        mail["To"] = message.to
        (address,) = mail["To"].addresses
        if mail["To"].defects or not (address.username and address.domain):
            raise ValueError
    except (ValueError, IndexError):  # an address with a line break, several addresses, or none
        raise NoSuchAddress(why="邮箱地址不完整") from None
    mail["Subject"] = " ".join(message.subject.split())  # a line break in a title must not become a header
    mail["Date"] = format_datetime(localtime())
    # the same letter tried twice carries the same id: mail servers and readers know a duplicate by it
    mail["Message-ID"] = f"<{message.key if tokens.TOKEN.fullmatch(message.key) else folder.digest(message.key)}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, secure = parts.hostname or "localhost", parts.scheme == "smtps"
    if secure:
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
    try:
        server.ehlo()
        if not secure and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
            secure = True
        if parts.username:
            if not secure and host not in LOCAL:
                raise NotSent(why="邮件服务器不支持加密，密码没有发出，请改用 smtps://")
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _refused(code: int, said: bytes | str, *, of_address: bool = False) -> NotSent | Undeliverable:
    """SMTP's own words may repeat the address, so only its code is kept. A 550 without a reason of RFC 3463 is said of the address."""
    if code < 500 or code in OURS_TO_MEND:
        return NotSent(why=f"邮件服务器暂时不收，代码 {code}")
    reason = said if isinstance(said, bytes) else said.encode()
    no_such = NO_SUCH.search(reason) or (code in (550, 551, 553) and not REASONED.search(reason))
    if of_address and no_such:
        return NoSuchAddress(why=f"邮件服务器说没有这个地址，代码 {code}")
    return Undeliverable(why=f"邮件服务器拒收，代码 {code}")
