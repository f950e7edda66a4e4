def test_db(alice, sam, browser):
    assert browser(sam).get("/_health/").status_code == 200
    r = browser(sam).get("/admin/")
    assert r.status_code == 200, r.content
def test_c(committed_db, alice):
    pass
def test_s(site, alice):
    assert site.is_healthy()
def test_f(fresh_site, alice, mailbox):
    from django.core.mail import send_mail
    send_mail("a", "b http://x", None, ["x@example.org"])
    assert mailbox.wait_for(1)
