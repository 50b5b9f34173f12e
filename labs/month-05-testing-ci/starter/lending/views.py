"""The library over HTTP."""

from django.db.models import Q
from django.utils import timezone
from rest_framework import mixins, permissions, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler

from lending import rules
from lending.models import Loan, Member, Reservation, Tool
from lending.serializers import (
    LendSerializer,
    LoanSerializer,
    MemberSerializer,
    PaymentSerializer,
    ReservationSerializer,
    ToolSerializer,
)


def explain(error, context):
    """A broken rule is a conflict, and says which rule it was."""
    if isinstance(error, rules.RuleBroken):
        return Response({"code": error.code, "detail": error.detail}, status=409)
    return exception_handler(error, context)


class Pages(PageNumberPagination):
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100


class StaffOrReadOnly(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.method in permissions.SAFE_METHODS or request.user.is_staff


def member_of(request):
    """The member who asks; staff need not be members."""
    member = Member.objects.filter(user=request.user).first()
    if member is None:
        raise PermissionDenied("Only members can do this.")
    return member


def is_set(request, name):
    return request.query_params.get(name) in {"1", "true"}


class ToolViewSet(viewsets.ModelViewSet):
    """The catalogue is open to everybody, and kept by staff."""

    serializer_class = ToolSerializer
    pagination_class = Pages
    permission_classes = [StaffOrReadOnly]
    lookup_field = "code"

    def get_queryset(self):
        tools = Tool.objects.filter(retired=False)
        params = self.request.query_params
        if is_set(self.request, "available"):
            tools = tools.available()
        if category := params.get("category"):
            tools = tools.filter(category=category)
        if word := params.get("search"):
            tools = tools.filter(Q(name__icontains=word) | Q(code__iexact=word))
        return tools

    def perform_destroy(self, tool):
        """Old loans still speak of it, so it stays and is retired."""
        if tool.is_lent:
            raise rules.RuleBroken("lent", "Somebody has this tool.")
        tool.retired = True
        tool.save()

    @action(
        detail=True, methods=["post"], permission_classes=[permissions.IsAuthenticated]
    )
    def reserve(self, request, code=None):
        reservation = rules.reserve(self.get_object(), member_of(request))
        data = ReservationSerializer(reservation).data
        return Response(data, status=status.HTTP_201_CREATED)


class MemberViewSet(
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    viewsets.ReadOnlyModelViewSet,
):
    queryset = Member.objects.all()
    serializer_class = MemberSerializer
    pagination_class = Pages
    permission_classes = [permissions.IsAdminUser]

    @action(detail=False, permission_classes=[permissions.IsAuthenticated])
    def me(self, request):
        return Response(self.get_serializer(member_of(request)).data)


class LoanViewSet(viewsets.ReadOnlyModelViewSet):
    """Members see their own loans, staff see all."""

    serializer_class = LoanSerializer
    pagination_class = Pages
    permission_classes = [permissions.IsAuthenticated]

    def get_queryset(self):
        loans = Loan.objects.select_related("tool", "member")
        if not self.request.user.is_staff:
            loans = loans.filter(member__user=self.request.user)
        if is_set(self.request, "open"):
            loans = loans.filter(returned_on__isnull=True)
        if is_set(self.request, "overdue"):
            today = timezone.localdate()
            loans = loans.filter(returned_on__isnull=True, due_on__lt=today)
        return loans

    def get_permissions(self):
        if self.action in {"create", "give_back", "pay"}:
            return [permissions.IsAdminUser()]
        return super().get_permissions()

    def create(self, request):
        asked = LendSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        loan = rules.lend(on=timezone.localdate(), **asked.validated_data)
        return Response(LoanSerializer(loan).data, status=status.HTTP_201_CREATED)

    @action(detail=True, methods=["post"], url_path="return")
    def give_back(self, request, pk=None):
        loan = rules.give_back(self.get_object(), timezone.localdate())
        return Response(LoanSerializer(loan).data)

    @action(detail=True, methods=["post"])
    def extend(self, request, pk=None):
        loan = rules.extend(self.get_object(), timezone.localdate())
        return Response(LoanSerializer(loan).data)

    @action(detail=True, methods=["post"])
    def pay(self, request, pk=None):
        loan = self.get_object()
        payment = PaymentSerializer(data=request.data, context={"loan": loan})
        payment.is_valid(raise_exception=True)
        return Response(LoanSerializer(rules.pay_fine(loan)).data)


class ReservationViewSet(mixins.DestroyModelMixin, viewsets.ReadOnlyModelViewSet):
    """Members see their own reservations; deleting one cancels it."""

    serializer_class = ReservationSerializer
    pagination_class = Pages
    permission_classes = [permissions.IsAuthenticated]

    def get_queryset(self):
        reservations = Reservation.objects.select_related("tool", "member")
        if self.request.user.is_staff:
            return reservations
        return reservations.filter(member__user=self.request.user)

    def perform_destroy(self, reservation):
        rules.cancel(reservation, timezone.localdate())
