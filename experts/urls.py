from django.urls import path

from experts.views import imports, person, roster

# The page of an expert, /experts/<uuid>/, shows callouts too and belongs to coordination.
urlpatterns = [
    path("experts/", roster.index, name="experts"),
    path("experts/new/", person.new, name="expert-new"),
    path("experts/export.xlsx", roster.export, name="roster-export"),
    path("experts/template.xlsx", roster.template, name="roster-template"),
    path("experts/import/", imports.upload, name="roster-import"),
    path("experts/import/<uuid:public_id>/", imports.preview, name="roster-import-preview"),
    path("experts/import/<uuid:public_id>/errors.xlsx", imports.errors, name="roster-import-errors"),
    path("experts/<uuid:public_id>/edit/", person.edit, name="expert-edit"),
    path("experts/<uuid:public_id>/absences/", person.add_absence, name="expert-absence"),
    path(
        "experts/<uuid:public_id>/absences/<int:pk>/remove/",
        person.remove_absence,
        name="expert-absence-remove",
    ),
    path("experts/<uuid:public_id>/suspend/", person.suspend, name="expert-suspend"),
    path("experts/<uuid:public_id>/resume/", person.resume, name="expert-resume"),
    path("experts/<uuid:public_id>/appoint/", person.appoint, name="expert-appoint"),
    path("experts/<uuid:public_id>/renew/", person.renew, name="expert-renew"),
    path("experts/<uuid:public_id>/dismiss/", person.dismiss, name="expert-dismiss"),
    path("experts/<uuid:public_id>/contacts/", person.contacts, name="expert-contacts"),
    path("experts/<uuid:public_id>/contacts/reveal/", person.reveal, name="expert-reveal"),
]
