"""Errors of the venue: codes, and texts in English and Chinese."""

from enum import Enum, StrEnum
from http import HTTPStatus


class Language(StrEnum):
    """Language of the venue's texts."""

    EN = "en"
    ZH = "zh"


class Refusal(Enum):
    """Error of the venue: code, English text, Chinese text and HTTP status (400 by default)."""

    TOO_MANY_REQUESTS = ("429", "Too Many Requests", "请求过于频繁", HTTPStatus.TOO_MANY_REQUESTS)
    EMPTY_KEY = ("40001", "ACCESS_KEY cannot be empty", "ACCESS_KEY 不能为空")
    BAD_TIMESTAMP = ("40005", "Invalid ACCESS_TIMESTAMP", "ACCESS_TIMESTAMP 无效")
    UNKNOWN_KEY = ("40006", "Invalid ACCESS_KEY", "ACCESS_KEY 无效")
    EXPIRED_TIMESTAMP = ("40008", "Request timestamp expired", "请求时间戳过期")
    BAD_SIGNATURE = ("40009", "sign signature error", "签名错误")
    TIMED_OUT = ("40010", "Request timed out", "请求超时")
    BAD_PASSPHRASE = ("40012", "apikey/password is incorrect", "apikey/password 不正确")
    SYSTEM_ABNORMAL = ("40015", "System is abnormal, please try again later", "系统异常, 请稍后重试")
    BAD_BODY = ("40017", "Parameter verification failed {0}", "参数校验失败 {0}")
    EMPTY_PARAMETER = ("40019", "Parameter {0} cannot be empty", "参数 {0} 不能为空")
    BAD_PARAMETER = ("40020", "Parameter {0} error", "参数 {0} 错误")
    UNKNOWN_SYMBOL = ("40034", "Parameter {0} does not exist", "参数 {0} 不存在")
    CLASSIC_ACCOUNT = (
        "40084",
        "You are in Classic Account mode, and the Unified Account API is not supported at this time",
        "您处于经典账户模式, 暂不支持统一账户 API",
    )
    UNIFIED_ACCOUNT = (
        "40085",
        "You are in Unified Account mode, and the Classic Account API is not supported at this time",
        "您处于统一账户模式, 暂不支持经典账户 API",
    )
    LONG_CLIENT_ID = (
        "40304",
        "clientOid or clientOrderId length cannot be greater than 50",
        "clientOid 长度不能大于 50",
    )
    BAD_CLIENT_ID = ("40305", "clientOid or clientOrderId cannot be Martian characters", "clientOid 不能包含非法字符")
    TOO_MANY_OF_20 = (
        "40306",
        "Batch processing orders can only process up to 20",
        "批量处理订单最多只能处理 20 个",
    )
    UNKNOWN_URL = ("40404", "Request URL NOT FOUND", "请求地址不存在", HTTPStatus.NOT_FOUND)
    TOO_OLD = ("40704", "Can only check the data of the last three months", "只能查询最近三个月的数据")
    RANGE_TOO_WIDE = ("40705", "The start and end time cannot exceed 90 days", "起止时间不能超过 90 天")
    RANGE_REVERSED = ("40707", "Start time is greater than end time", "开始时间大于结束时间")
    SERVICE_FAILED = ("40725", "service return an error", "服务返回异常")
    BAD_SCALE = (
        "40808",
        "Parameter verification exception {0} checkBDScale error value={1} checkScale={2}",
        "参数校验异常 {0} checkBDScale error value={1} checkScale={2}",
    )
    TOO_MANY_ITEMS = ("40912", "The single batch cannot exceed 50", "单次批量不能超过 50")
    NO_ORDER_ID = ("40924", "orderId and clientOId must have one", "orderId 和 clientOid 必须有一个")
    NO_SUCH_ORDER = ("43001", "The order does not exist", "订单不存在")
    INSUFFICIENT_BALANCE = ("43012", "Insufficient balance", "余额不足")
    UNKNOWN_ERROR = ("45001", "Unknown error", "未知错误")
    CANCEL_FAILED = ("45024", "Cancel order error", "撤单失败")
    TOO_SMALL = ("45110", "less than the minimum amount {0} {1}", "小于最小数量 {0} {1}")
    CANCEL_TOO_FREQUENT = ("45129", "Cancel too frequent", "撤单过于频繁")
    HALTED = ("50027", "The trading pair is suspended for maintenance", "交易对维护中")
    NOT_CROSS = ("50001", "{0} does not support cross", "{0} 不支持全仓")
    SYSTEM_ERROR = ("50031", "System error", "系统错误", HTTPStatus.INTERNAL_SERVER_ERROR)
    UNKNOWN_COIN = ("50032", "The currency does not exist", "币种不存在")
    MARGIN_INSUFFICIENT_BALANCE = ("50020", "Insufficient balance", "余额不足")
    LOAN_TOO_LARGE = ("50035", "The maximum borrowing amount is exceeded", "超过最大可借数量")
    NO_LOAN = ("50036", "The loan configuration does not exist", "借贷配置不存在")
    NOT_BORROWABLE = ("50037", "This currency cannot be borrowed", "该币种不可借")
    SYSTEM_LIMIT = ("50038", "The system limit is exceeded", "超过系统限额")
    REPAYMENT_TOO_SMALL = ("50040", "The repayment amount must be more than 0", "还款数量必须大于 0")
    REPAYMENT_ABOVE_BALANCE = (
        "50041",
        "The repayment amount must be less than your available balance",
        "还款数量必须小于可用余额",
    )
    REPAYMENT_BELOW_INTEREST = (
        "50042",
        "The repayment amount must be more than the interest",
        "还款数量必须大于利息",
    )
    DUPLICATE_CLIENT_ID = ("50060", "Duplicated clientOid", "clientOid 重复")
    TOO_MANY_DECIMALS = ("50063", "Token precision must less than or equal to eight", "币种精度不能超过八位")
    ORDER_ENDED = ("50062", "The order status is cancelled or fullFill", "订单已撤销或完全成交")
    # Errors of the unified account: 00001 and 400172 as captured, the others as in the table of its documents.
    OVER_30_DAYS = (
        "00001",
        "startTime and endTime interval cannot be greater than 30 days",
        "开始时间与结束时间间隔不能超过 30 天",
    )
    UNIFIED_BAD_PARAMETER = ("400172", "Parameter verification failed {0}", "参数校验失败 {0}")
    UNIFIED_TOO_FREQUENT = ("25004", "Operation too frequent, please try again later", "操作过于频繁, 请稍后再试")
    UNIFIED_EDIT_IN_PROGRESS = (
        "25114",
        "There are modification orders in progress.",
        "存在正在进行的改单",
    )
    UNIFIED_UNKNOWN_SYMBOL = ("25100", "Trading pair {0} does not exist", "交易对 {0} 不存在")
    UNIFIED_INVALID = ("25200", "{0} validation error", "{0} 校验错误")
    UNIFIED_UNKNOWN_COIN = ("25201", "Currency does not exist", "币种不存在")
    UNIFIED_LEVERAGE_TOO_HIGH = ("25223", "Exceeds Max. leverage", "超过最大杠杆")
    UNIFIED_INSUFFICIENT_BALANCE = ("25202", "Insufficient balance", "余额不足")
    UNIFIED_NO_SUCH_ORDER = ("25204", "Order does not exist", "订单不存在")
    UNIFIED_SMALL_QUANTITY = (
        "25207",
        "{0} trading quantity cannot be less than {1} units",
        "{0} 交易数量不能小于 {1} 个",
    )
    UNIFIED_DUPLICATE_CLIENT_ID = ("25212", "Duplicate clientOid", "clientOid 重复")
    UNIFIED_UNSUPPORTED = ("25240", "{0} does not support this operation", "{0} 不支持该操作")
    UNIFIED_NOT_EDITABLE = (
        "25568",
        "The order does not meet the modification requirements.",
        "订单不满足改单条件",
    )
    UNIFIED_UNCHANGED = (
        "25571",
        "The modification price and qty is the same as the original value. Please adjust and try again.",
        "改单的价格和数量与原值相同, 请调整后重试",
    )
    UNIFIED_NO_TRIGGERS = (
        "25593",
        "The current trading type does not support TP/SL settings",
        "当前交易类型不支持止盈止损设置",
    )
    UNIFIED_SMALL_AMOUNT = (
        "25611",
        "Order quantity must be greater than the minimum order amount",
        "委托数量必须大于最小下单金额",
    )
    UNIFIED_NO_PERMISSION = ("25620", "permission denied", "无权限")

    def __init__(self, code: str, english: str, chinese: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        self.code = code
        self.english = english
        self.chinese = chinese
        self.status = status


ENDED_TEXT = "Order Cancelled"
"""Default text of a failed item whose order has ended, as in the example of the venue's page."""

_CHINESE = {refusal.english: refusal.chinese for refusal in Refusal} | {ENDED_TEXT: "订单已撤销"}


def in_language(text: str, language: Language) -> str:
    """Return a text of the venue in the given language; other texts stay as they are."""
    return _CHINESE.get(text, text) if language is Language.ZH else text


class VenueError(Exception):
    """Request that the venue refuses.

    :param refusal: the error
    :param details: values of the placeholders in the error's text
    """

    def __init__(self, refusal: Refusal, *details: object) -> None:
        self.refusal = refusal
        self.details = details
        super().__init__(f"{refusal.code} {self.text(Language.EN)}")

    def text(self, language: Language) -> str:
        """Return the message in the given language."""
        return in_language(self.refusal.english, language).format(*self.details)
