"""What is refused of files of records."""

from __future__ import annotations

from typing import ClassVar

from app.kit.errors import Refusal
from app.values.reason import Reason


class SourceUnknown(Refusal):
    """This source is not registered."""

    code: ClassVar[str] = "source_unknown"
    status_code: ClassVar[int] = 422
    zh: ClassVar[str] = "该来源尚未登记"


class NothingToCorrect(Refusal):
    """This import has no rows to be corrected."""

    code: ClassVar[str] = "nothing_to_correct"
    zh: ClassVar[str] = "该导入没有待更正的行"


class ImportClosed(Refusal):
    """This import has ended already."""

    code: ClassVar[str] = "import_closed"
    zh: ClassVar[str] = "该导入已经结束"

    def __init__(self, state: str) -> None:
        super().__init__(reasons=[Reason(code=state, zh=f"当前状态：{state}", en=f"it is {state}")])


class UploadTooSlow(Refusal):
    """The file did not arrive in time; nothing of it was kept."""

    code: ClassVar[str] = "upload_too_slow"
    status_code: ClassVar[int] = 408
    zh: ClassVar[str] = "文件未能在限定时间内传完，未保留任何内容"
    retryable: ClassVar[bool] = True


class FileTypeUnsupported(Refusal):
    """A file of records is sent as text/csv, application/x-ndjson, an .xlsx workbook or application/octet-stream."""

    code: ClassVar[str] = "file_type_unsupported"
    status_code: ClassVar[int] = 415
    zh: ClassVar[str] = "文件应以 text/csv、application/x-ndjson、xlsx 工作簿或 application/octet-stream 提交"
