"""The tests of the default scenario's applications, by name."""

from __future__ import annotations

from apps.sandbox.codebuild.flavours import SETTLEMENT, TOTALS
from apps.sandbox.codebuild.testruns import Suite

CHECKOUT_WEB = Suite(
    "vitest",
    {
        "src/basket/basket.test.ts": (
            "basket > adds a line",
            "basket > adds an article twice to one line",
            "basket > removes a line whose quantity is zero",
            "basket > keeps its lines when the session is renewed",
            "basket > takes no more than 99 of an article",
            "basket > is empty after the order",
        ),
        "src/price/price.test.ts": (
            "price > rounds half up to the cent",
            "price > rounds no line before the sum",
            "price > shows yen without decimals",
            "price > shows the old price only where it was higher",
        ),
        "src/checkout/address.test.ts": (
            "address > wants a house number in Germany",
            "address > takes an address of the Netherlands without a comma",
            "address > keeps what was typed when the country changes",
        ),
        "src/checkout/delivery.test.ts": (
            "delivery > shows the date before payment",
            "delivery > skips Sundays and holidays",
            "delivery > says when an article comes later",
        ),
        "src/checkout/payment.test.ts": (
            "payment > asks for 3-D Secure where the bank does",
            "payment > is not sent twice by a double click",
            "payment > offers Apple Pay in Safari",
            "payment > goes back to the basket when it is declined",
        ),
        "src/api/client.test.ts": (
            "client > retries three times on 503",
            "client > does not retry what is not idempotent",
            "client > sends the request id",
        ),
    },
    skipped=frozenset({"payment > offers Apple Pay in Safari"}),
)

STOREFRONT = Suite(
    "vitest",
    {
        "src/basket/basket.test.ts": (
            "basket > adds a line",
            "basket > merges with the basket of the last visit",
            "basket > keeps its lines when the session is renewed",
            "basket > tells when a price has changed",
        ),
        "src/basket/summary.test.ts": (
            "summary > lists every line with its tax",
            "summary > shows what the voucher saves",
            "summary > shows no shipping for downloads",
        ),
        "src/checkout/total.test.ts": (
            "total > is zero for an empty basket",
            "total > applies the voucher before tax",
            "total > splits the voucher over the lines to the cent",
            "total > never falls below zero",
        ),
        "src/search/search.test.ts": (
            "search > finds an article by its number",
            "search > forgives one wrong letter",
            "search > suggests no more than eight",
        ),
        "src/wishlist/wishlist.test.ts": (
            "wishlist > moves an article to the basket",
            "wishlist > is shared by a link that ends",
        ),
    },
    failing=TOTALS,
)

CHECKOUT_API = Suite(
    "surefire",
    {
        "com.example.checkout.BasketTest": (
            "addsLine",
            "mergesLinesOfOneArticle",
            "refusesNegativeQuantity",
            "expiresAfterThirtyDays",
        ),
        "com.example.checkout.TotalTest": (
            "roundsHalfUp",
            "appliesVoucherBeforeTax",
            "usesReducedRateForBooks",
            "addsShippingOnce",
        ),
        "com.example.checkout.TaxRatesTest": (
            "knowsEveryMemberState",
            "changesAtMidnightLocalTime",
            "reversesChargeForBusinesses",
        ),
        "com.example.checkout.OrderNumberTest": ("isUnique", "carriesCheckDigit"),
        "com.example.checkout.IdempotencyFilterTest": (
            "answersRepeatedRequestFromStore",
            "refusesOtherBodyUnderSameKey",
            "forgetsKeysAfterADay",
        ),
        "com.example.checkout.HealthCheckTest": ("usesConnectionPool", "isDownWithoutDatabase"),
    },
)

CHECKOUT_API_INTEGRATION = Suite(
    "pytest",
    {
        "tests.test_order": (
            "test_an_order_is_placed_and_confirmed",
            "test_an_order_without_stock_is_refused",
            "test_an_order_is_placed_once_by_its_key",
            "test_a_cancelled_order_frees_its_stock",
        ),
        "tests.test_payment": (
            "test_a_card_is_charged",
            "test_a_declined_card_keeps_the_basket",
            "test_a_charge_that_timed_out_is_looked_up",
            "test_a_refund_is_booked",
        ),
        "tests.test_voucher": (
            "test_a_voucher_is_used_once",
            "test_a_voucher_that_ended_is_refused",
        ),
        "tests.test_mail": (
            "test_the_confirmation_names_every_line",
            "test_the_confirmation_is_sent_in_the_buyers_language",
        ),
    },
    skipped=frozenset({"test_a_refund_is_booked"}),
)

PAYMENTS = Suite(
    "pytest",
    {
        "tests.test_ledger": (
            "test_a_booking_has_two_sides",
            "test_a_booking_that_does_not_balance_is_refused",
            "test_amounts_are_kept_to_the_cent",
            "test_bookings_are_never_changed",
            "test_a_correction_names_what_it_corrects",
            "test_balances_add_up_over_currencies",
        ),
        "tests.test_refunds": (
            "test_a_refund_goes_to_the_card_that_paid",
            "test_a_refund_is_no_more_than_was_paid",
            "test_partial_refunds_add_up",
            "test_a_refund_of_a_closed_account_waits",
        ),
        "tests.test_settlement": (
            "test_a_batch_holds_what_was_captured",
            "test_settlement_is_idempotent_across_midnight",
            "test_a_batch_is_closed_once",
            "test_a_late_capture_goes_to_the_next_batch",
            "test_fees_are_booked_apart",
        ),
        "tests.test_statements": (
            "test_a_statement_begins_with_the_last_balance",
            "test_the_months_statement_holds_its_last_day",
            "test_an_empty_month_has_a_statement",
        ),
        "tests.test_webhooks": (
            "test_a_webhook_is_signed",
            "test_a_webhook_is_told_again_until_it_is_taken",
            "test_a_webhook_told_twice_books_once",
        ),
    },
    failing=SETTLEMENT,
)

ORDERS = Suite(
    "surefire",
    {
        "com.example.orders.OrderTest": (
            "startsAsPlaced",
            "isPaidOnce",
            "isNotShippedUnpaid",
            "canBeCancelledUntilShipped",
            "keepsPriceOfTheDay",
        ),
        "com.example.orders.ShipmentTest": (
            "countsWorkingDays",
            "splitsWhatComesLater",
            "tellsCarrierWeight",
        ),
        "com.example.orders.StockTest": (
            "reservesForAnHour",
            "freesWhatWasCancelled",
            "neverFallsBelowZero",
        ),
        "com.example.orders.ReturnTest": (
            "isFreeForFourteenDays",
            "restocksWhatIsWhole",
            "refundsShippingWhenAllComesBack",
        ),
        "com.example.orders.OrderRepositoryTest": (
            "findsByCustomer",
            "pagesByDateAndNumber",
            "locksWhileShipping",
        ),
    },
    skipped=frozenset({"locksWhileShipping"}),
)

DATA_PLATFORM = Suite(
    "pytest",
    {
        "tests.test_ingest": (
            "test_a_file_is_read_once",
            "test_rows_without_a_key_go_to_the_rejects",
            "test_late_rows_join_their_day",
            "test_a_new_column_is_kept",
        ),
        "tests.test_sessions": (
            "test_a_session_ends_after_half_an_hour",
            "test_a_session_crosses_midnight",
            "test_robots_are_left_out",
        ),
        "tests.test_revenue": (
            "test_revenue_is_net_of_returns",
            "test_rates_are_those_of_the_day",
        ),
    },
)

FRAUD_MODEL = Suite(
    "pytest",
    {
        "tests.test_features": (
            "test_features_need_nothing_of_the_future",
            "test_a_missing_address_is_a_feature",
            "test_amounts_are_scaled_by_country",
        ),
        "tests.test_scores": (
            "test_scores_lie_between_zero_and_one",
            "test_known_fraud_scores_high",
            "test_regular_buyers_score_low",
            "test_the_threshold_holds_the_agreed_recall",
            "test_scores_are_the_same_in_batch_and_online",
        ),
    },
)

IMAGE_RESIZER = Suite(
    "vitest",
    {
        "src/resize.test.ts": (
            "resize > keeps the aspect ratio",
            "resize > never enlarges",
            "resize > turns by the EXIF orientation",
            "resize > drops the place a picture was taken at",
        ),
        "src/format.test.ts": (
            "format > answers AVIF to who accepts it",
            "format > keeps transparency",
        ),
        "src/handler.test.ts": (
            "handler > refuses widths that are not offered",
            "handler > answers 404 for a picture that is not there",
        ),
    },
)
