"""Mail: into a folder on trial installations, through SMTP otherwise."""

from __future__ import annotations

import hashlib
import os
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, localtime, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from console.post.channels import TIMEOUT, NotSent, OutgoingMessage, Undeliverable

LOCAL = {"localhost", "127.0.0.1", "::1"}


def send(message: OutgoingMessage, *, url: str, sender: str) -> None:
    """Raises NotSent (no connection, 4xx) or Undeliverable (the address or the letter was refused for good)."""
    mail = _compose(message, sender)
    if url.startswith("folder:"):
        put_in_folder(Path(url.removeprefix("folder:")), f"{_digest(message.key)}.eml", mail.as_bytes())
        return
    try:
        with _connect(url) as server:
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        _refused(min((code for code, _ in error.recipients.values()), default=550))
    except smtplib.SMTPResponseException as error:
        _refused(error.smtp_code)
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(why=f"邮件服务器 {type(error).__name__}") from None


def _compose(message: OutgoingMessage, sender: str) -> EmailMessage:
    mail = EmailMessage()
    host = parseaddr(sender)[1].partition("@")[2] or "localhost"
    mail["From"] = sender
    try:
        mail["To"] = message.to
        (address,) = mail["To"].addresses
        if mail["To"].defects or not (address.username and address.domain):
            raise ValueError
    except (ValueError, IndexError):  # an address with a line break, several addresses, or none
        raise Undeliverable(why="邮箱地址不完整") from None
    mail["Subject"] = " ".join(message.subject.split())  # a line break in a title must not become a header
    mail["Date"] = format_datetime(localtime())
    # the same letter tried twice carries the same id: mail servers and readers know a duplicate by it
    mail["Message-ID"] = f"<{_digest(message.key)}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, secure = parts.hostname or "localhost", parts.scheme == "smtps"
    if secure:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=TIMEOUT, context=ssl.create_default_context()
        )
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


def _refused(code: int) -> None:
    """SMTP's own words may repeat the address, so only its code is kept."""
    if code >= 500 and code not in (530, 534, 535):  # sign-in trouble is ours to mend, the letter is not at fault
        raise Undeliverable(why=f"邮件服务器拒收，代码 {code}")
    raise NotSent(why=f"邮件服务器暂时不收，代码 {code}")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def put_in_folder(folder: Path, name: str, content: bytes) -> None:
    """Write a message whole or not at all; the same name again replaces it. Readable by its user only."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = folder / f".{name}.{os.getpid()}"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        fresh.replace(folder / name)
    except OSError as error:
        raise NotSent(why=f"信箱文件夹 {type(error).__name__}") from None
