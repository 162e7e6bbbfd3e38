"""The page on which an administrator says what may be done in an account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from apps.aws.models import Account
from apps.aws.policy import as_text
from apps.aws.trust import partition_of_arn
from apps.aws.views import for_staff

from .forms import PermitForm
from .models import Permit
from .permits import allow, allowed_acts
from .policy import pages, statements


@for_staff
@require_http_methods(["GET", "HEAD", "POST"])
def permit(request: HttpRequest, pk: int) -> HttpResponse:
    """What may be done in an account, and the IAM statement that it takes."""
    account = get_object_or_404(Account, pk=pk)
    own = Permit.objects.filter(account=account).first()
    form = PermitForm(request.POST if request.method == "POST" else None, permit=own)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        allow(
            account,
            told["acts"],
            everyone=told["everyone"],
            projects=[int(pk) for pk in told["projects"]],
            by=request.user,
        )
        messages.success(request, f"Saved what may be done in {account.name}.")
        return redirect("deeds:permit", pk=pk)
    partition = partition_of_arn(account.caller_arn) or "aws"
    acts = allowed_acts(own)
    offered = form.offered()
    ticked = {value for group in offered.values() for value, _label, _who in group}
    context = {
        "account": account,
        "form": form,
        "permit": own,
        "groups": offered,
        "allowed": len(ticked & set(own.acts if own else ())),
        "chosen": set(form["acts"].value() or ()),
        "for_projects": set(form["projects"].value() or ()),
        "pages": pages(acts),
        "statement": as_text(
            {
                "Version": "2012-10-17",
                "Statement": statements(acts, account.account_id or "*", partition),
            }
        )
        if acts
        else "",
    }
    status = 422 if form.is_bound else 200
    return render(request, "deeds/permit.html", context, status=status)
