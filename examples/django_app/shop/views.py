"""What the shop does: it sends mail with nothing but Django's own functions."""

from django.core.mail import EmailMultiAlternatives, send_mass_mail
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from pymailer import MailError


@require_POST
def order(request: HttpRequest) -> JsonResponse:
    """Confirm an order, with the invoice."""
    message = EmailMultiAlternatives("Your order", "Thank you!", to=[request.POST["to"]])
    message.attach_alternative("<p>Thank <b>you</b>!</p>", "text/html")
    message.attach("invoice.txt", "One teapot: 20 €\n", "text/plain")
    try:
        message.send()
    except MailError as error:
        # "unknown" may have been delivered: show the order as placed, and do not send again.
        return JsonResponse({"outcome": error.outcome, "error": str(error)}, status=502)
    return JsonResponse({"outcome": message.delivery.outcome, "id": message.delivery.info.message_id})


@require_POST
def newsletter(request: HttpRequest) -> JsonResponse:
    """Write to many: over several connections at once."""
    sent = send_mass_mail(("News", "We have teapots.", None, [to]) for to in request.POST.getlist("to"))
    return JsonResponse({"sent": sent})
