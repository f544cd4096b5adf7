// Keeps the click id of a visitor who came by a referral link, and hands it on to Stripe's payment pages.
(function (w, d) {
  "use strict";
  var NAME = "refp_id", REF = "client_reference_id", id;
  function decorate() {
    var all = d.querySelectorAll("a[href*='//buy.stripe.com/'],stripe-pricing-table,stripe-buy-button"), i, at, old;
    for (i = 0; i < all.length; i++) {
      at = all[i];
      if (at.tagName === "A") {
        try { link(at); } catch (e) { /* no address */ }
      } else {
        old = at.getAttribute("client-reference-id");
        if (ours(old)) at.setAttribute("client-reference-id", NAME + "_" + id);
      }
    }
  }
  function link(a) {
    var url = new URL(a.href), old = url.searchParams.get(REF);
    if (url.hostname !== "buy.stripe.com" || !ours(old)) return;
    url.searchParams.set(REF, NAME + "_" + id);
    a.href = url.href;
  }
  // A reference that the page itself gives stays.
  function ours(old) { return !old || (old.indexOf(NAME + "_") === 0 && old !== NAME + "_" + id); }

  var here = new URL(w.location.href), found;
  id = here.searchParams.get(NAME);
  if (id) {
    d.cookie = NAME + "=" + encodeURIComponent(id) + "; max-age=7776000; path=/; SameSite=Lax" +
      (here.protocol === "https:" ? "; Secure" : "");
    here.searchParams.delete(NAME);
    w.history.replaceState(w.history.state, "", here.href);
  } else if ((found = /(?:^|; *)refp_id=([^;]*)/.exec(d.cookie))) {
    id = found[1];
  }
  if (!id || !/^[\w-]{1,182}$/.test(id)) return;
  decorate();
  new MutationObserver(decorate).observe(d.documentElement, { childList: true, subtree: true });
})(window, document);
