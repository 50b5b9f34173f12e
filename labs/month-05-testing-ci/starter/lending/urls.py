from rest_framework.routers import SimpleRouter

from lending import views

router = SimpleRouter(trailing_slash=False)
router.register("tools", views.ToolViewSet, basename="tool")
router.register("members", views.MemberViewSet, basename="member")
router.register("loans", views.LoanViewSet, basename="loan")
router.register("reservations", views.ReservationViewSet, basename="reservation")

urlpatterns = router.urls
