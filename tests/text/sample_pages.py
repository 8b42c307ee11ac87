# ruff: noqa: E501 - the lines of pages are as long as sites make them
"""Small whole pages as sites make them (blog, news, documentation, forum, shop), with the prose that is in them.

All written for these tests; the names are invented.
"""

from __future__ import annotations

BLOG_EN = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Why sourdough fails in winter | Crumb &amp; Crust</title>
<link rel="stylesheet" href="/style.css"><style>.hero{background:#fff}.x>p{margin:0}</style>
<script>window.dataLayer=window.dataLayer||[];if(1<2&&3>2){document.write("<p>tracked<\\/p>")}</script></head>
<body class="post-template has-sidebar">
<a class="skip-link" href="#content">Skip to content</a>
<div id="cookie-banner" class="cookie-banner"><p>We use cookies to make this site better.</p><button>Accept</button></div>
<header class="site-header"><a href="/">Crumb &amp; Crust</a>
<nav><ul><li><a href="/">Home</a></li><li><a href="/recipes">Recipes</a></li><li><a href="/about">About</a></li></ul></nav></header>
<main id="content"><article class="post">
<header class="entry-header"><h1>Why sourdough fails in winter</h1><p class="meta">By Ada Bäcker, 3&nbsp;January</p></header>
<p>My kitchen is at 16&deg;C in January, and for two years I blamed the flour.
It was never the flour. <em>Temperature</em> decides everything: at 16&deg;C the yeast works
at a third of its summer speed.</p>
<!-- ad slot 3 --><div class="ad-container"><ins class="adsbygoogle">Buy a better oven!</ins></div>
<h2>What to change</h2>
<ul><li>Use <b>warm water</b> (about 35&deg;C).</li><li>Let the dough rise for <i>twice</i> as long.</li></ul>
<blockquote><p>Patience is an ingredient.</p></blockquote>
<figure><img src="loaf.jpg" alt="A loaf"><figcaption>The same recipe, in July and in January.</figcaption></figure>
<p>Try it &mdash; and tell me how it went<sup class="footnote-ref"><a href="#fn1">1</a></sup>.</p>
<div class="share-buttons"><a href="#">Tweet</a> <a href="#">Share on Facebook</a></div>
</article>
<section class="related-posts"><h3>You may also like</h3><ul><li><a href="/a">Rye for beginners</a></li></ul></section>
</main>
<aside class="sidebar"><h3>Newsletter</h3><form action="/sub"><input name="email"><button>Subscribe</button></form></aside>
<footer><p>&copy; 2026 Crumb &amp; Crust. All rights reserved.</p></footer>
<script src="/app.js"></script></body></html>"""

BLOG_EN_PROSE = """Why sourdough fails in winter

By Ada Bäcker, 3 January

My kitchen is at 16°C in January, and for two years I blamed the flour. It was never the flour. Temperature decides \
everything: at 16°C the yeast works at a third of its summer speed.

What to change

Use warm water (about 35°C).
Let the dough rise for twice as long.

Patience is an ingredient.

The same recipe, in July and in January.

Try it — and tell me how it went."""

NEWS_ZH = """<!DOCTYPE html><html><head><title>江城地铁九号线开通_江城晚报</title>
<script type="text/javascript">var _hmt = _hmt || [];</script></head><body>
<div class="topbar"><a href="/login">登录</a> | <a href="/reg">注册</a></div>
<div id="daohang"><ul><li><a href="/">首页</a></li><li><a href="/gn">国内</a></li><li><a href="/cj">财经</a></li></ul></div>
<div class="breadcrumb">当前位置：<a href="/">首页</a> &gt; <a href="/gn">国内</a> &gt; 正文</div>
<div class="article-box">
<h1>江城地铁九号线今日开通</h1>
<div class="info">2026年3月1日 08:12　来源：江城晚报</div>
<div class="content">
<p>　　本报讯（记者 李明）今天上午，江城地铁九号线正式开通
运营。全线长三十一公里，设二十二座车站。</p>
<p>　　“从家到公司只要二十分钟，比以前快了一半。”家住河西的王女士说。</p>
<div class="guanggao"><a href="http://ad.example.com">点击领取优惠券</a></div>
<p>　　据介绍，九号线采用全自动驾驶，<strong>高峰期</strong>每三分钟一班车。</p>
<p class="editor" style="display:none">内部编号 20260301</p>
</div>
<div class="share">分享到：<a href="#">微信</a><a href="#">微博</a></div>
<div class="related"><h3>相关阅读</h3><ul><li><a href="/1">八号线客流创新高</a></li><li><a href="/2">公交线路调整</a></li></ul></div>
</div>
<div class="footer"><p>版权所有 江城晚报社 江ICP备00000001号</p></div></body></html>"""

NEWS_ZH_PROSE = """江城地铁九号线今日开通

2026年3月1日 08:12 来源：江城晚报

本报讯（记者 李明）今天上午，江城地铁九号线正式开通运营。全线长三十一公里，设二十二座车站。

“从家到公司只要二十分钟，比以前快了一半。”家住河西的王女士说。

据介绍，九号线采用全自动驾驶，高峰期每三分钟一班车。"""

DOCS_EN = """<!doctype html><html><head><title>Queues - Relay 2.1 documentation</title></head><body>
<div class="related" role="navigation"><ul><li><a href="genindex.html">index</a></li></ul></div>
<div class="document"><div class="body" role="main">
<section id="queues"><h1>Queues<a class="headerlink" href="#queues" title="Link here">¶</a></h1>
<nav class="contents local" id="contents"><ul><li><a href="#limits">Limits</a></li></ul></nav>
<p>A queue holds messages until a worker takes them. Call <code>queue.put()</code> from any thread.</p>
<div class="highlight-python"><pre><span class="kn">from</span> relay <span class="kn">import</span> Queue
q = Queue(size=10)
</pre></div>
<aside class="note"><p>A queue never blocks the event loop.</p></aside>
<h2 id="limits">Limits<a class="headerlink" href="#limits">¶</a></h2>
<table><thead><tr><th>Setting</th><th>Default</th></tr></thead><tbody>
<tr><td><code>size</code></td><td>1,000 messages</td></tr><tr><td><code>timeout_s</code></td><td>30</td></tr></tbody></table>
<dl><dt>size</dt><dd><p>How many messages may wait.</p></dd></dl>
</section></div></div>
<div class="sphinxsidebar" role="complementary"><h3>Table of Contents</h3><ul><li><a href="#limits">Limits</a></li></ul></div>
<div class="footer">Built with Sphinx.</div></body></html>"""

DOCS_EN_PROSE = """Queues

A queue holds messages until a worker takes them. Call queue.put() from any thread.

A queue never blocks the event loop.

Limits

Setting | Default
size | 1,000 messages
timeout_s | 30

size

How many messages may wait."""

FORUM_ZH = """<html><head><title>手机发热怎么办 - 数码论坛</title></head><body>
<table width="100%"><tr><td><a href="/">论坛首页</a></td><td><a href="/new">最新帖子</a></td><td><a href="/help">帮助</a></td></tr></table>
<h1>手机发热怎么办？</h1>
<table class="posts">
<tr><td class="author">小雨<br>发帖 12</td><td class="post"><div class="message">新买的手机，玩半小时游戏就<b>烫手</b>，正常吗？<br><br>
系统是最新的，没有装别的软件。</div><div class="toolbar"><a href="#">回复</a> <a href="#">举报</a></div></td></tr>
<tr><td class="author">老张</td><td class="post"><div class="message"><blockquote>小雨：玩半小时游戏就烫手</blockquote>
<p>夏天温度高，四十度以内都算正常。</p><p>把亮度调低一点会好很多。</p></div></td></tr>
</table>
<form method="post" action="/reply"><label>回复内容</label><textarea name="t">请输入</textarea><input type="submit" value="发表"></form>
<p class="copyright">Powered by DiscuzLike</p></body></html>"""

FORUM_ZH_PROSE = """手机发热怎么办？

小雨
发帖 12

新买的手机，玩半小时游戏就烫手，正常吗？

系统是最新的，没有装别的软件。

老张

小雨：玩半小时游戏就烫手

夏天温度高，四十度以内都算正常。

把亮度调低一点会好很多。"""

SHOP_EN = """<HTML><HEAD><TITLE>Kettle</TITLE></HEAD><BODY BGCOLOR=white><FORM NAME=aspnetForm ACTION="/p.aspx">
<INPUT TYPE=hidden NAME=__VIEWSTATE VALUE="dDwtMTA4MzE0MjEwNTs7Pg==">
<TABLE BORDER=0><TR><TD WIDTH=120><A HREF="/">Home</A><BR><A HREF="/kettles">Kettles</A><BR><A HREF="/cart">Cart</A></TD>
<TD><H1>Steel kettle, 1.7 litres</H1>
<P>This kettle boils a litre of water in under three minutes, switches itself off, and has a filter that you can wash.
<P>The handle stays cool & the lid opens with one hand. Customers who bought it wrote that it is quieter than their last
one, and that the cable is a little short for a deep kitchen counter.
<P>We test every kettle for two hundred hours before we sell it. If yours fails within three years, send it back and we
send you a new one; you do not need the box, only the receipt.
<TABLE><TR><TH>Power<TH>Weight<TR><TD>2,200 W<TD>1.1 kg</TABLE>
</TD></TR></TABLE></FORM></BODY></HTML>"""

SHOP_EN_PROSE = """Steel kettle, 1.7 litres

This kettle boils a litre of water in under three minutes, switches itself off, and has a filter that you can wash.

The handle stays cool & the lid opens with one hand. Customers who bought it wrote that it is quieter than their last \
one, and that the cable is a little short for a deep kitchen counter.

We test every kettle for two hundred hours before we sell it. If yours fails within three years, send it back and we \
send you a new one; you do not need the box, only the receipt.

Power | Weight
2,200 W | 1.1 kg"""

MAIL_EN = """<html><body><h2>Re: meeting moved</h2><a name="start"></a>
<pre>Hello all,

the meeting on Thursday moves to Friday, since the room is taken
by the auditors. Please bring the figures of the last quarter,
and tell me by tomorrow if you cannot come.

Regards, Tom
</pre><hr><pre>$ ls -l /var/log | grep {mail}
</pre></body></html>"""

MAIL_EN_PROSE = """Re: meeting moved

Hello all,

the meeting on Thursday moves to Friday, since the room is taken
by the auditors. Please bring the figures of the last quarter,
and tell me by tomorrow if you cannot come.

Regards, Tom"""

PAGES = {
    "blog-en": (BLOG_EN, BLOG_EN_PROSE),
    "news-zh": (NEWS_ZH, NEWS_ZH_PROSE),
    "docs-en": (DOCS_EN, DOCS_EN_PROSE),
    "forum-zh": (FORUM_ZH, FORUM_ZH_PROSE),
    "shop-en": (SHOP_EN, SHOP_EN_PROSE),
    "mail-en": (MAIL_EN, MAIL_EN_PROSE),
}

README_EN = """---
title: Relay
tags: [queue, python]
---

<p align="center"><img src="logo.svg" alt="logo" width="200"></p>

# Relay :rocket:

[![Build](https://badges.example.com/ci.svg)](https://ci.example.com) [![Package](https://badges.example.com/relay.svg)](https://packages.example.com/relay)

**Relay** moves _messages_ between services, *slowly but surely*. See the [documentation](https://relay.example.com "Docs")
or <https://relay.example.com/faq>.

## Table of contents

- [Install](#install)
- [Use](#use)
- [Licence](#licence)

## Install

```bash
pip install relay
```

Then check it with `relay --version`:

    relay 2.1

## Use

1. Start a *broker*.
2. Start a worker:
   - on the same machine, or
   - on another one[^1].

| Setting | Default |
| ------- | ------: |
| `size`  | 1,000   |

> [!NOTE]
> A queue never blocks.

- [x] retries
- [ ] priorities

![A worker takes a message from the queue](img/worker.png)

<details><summary>Why "relay"?</summary>

Since messages pass from hand to hand.

</details>

Licence
-------

MIT &copy; 2026<!-- the year changes -->

[^1]: Both need the same version.
"""

README_EN_PROSE = """Relay :rocket:

Relay moves messages between services, slowly but surely. See the documentation or https://relay.example.com/faq.

Install

Then check it with relay --version:

Use

Start a broker.
Start a worker:
on the same machine, or
on another one.

Setting | Default
size | 1,000

A queue never blocks.

retries
priorities

A worker takes a message from the queue

Why "relay"?

Since messages pass from hand to hand.

Licence

MIT © 2026

Both need the same version."""

POST_ZH = """+++
title = "部署笔记"
date = 2026-03-01
+++

import Tabs from '@theme/Tabs';

[toc]

# 部署笔记

**重要：**部署之前请先备份。这一步==不能省略==，
否则数据可能丢失。参考[[备份指南|备份]]。

::: tip 提示
用 `relay backup` 命令即可。
:::

!!! warning "注意"
    磁盘空间至少要有两倍。

{% highlight bash %}
relay deploy
{% endhighlight %}

{{< figure src="a.png" >}}

* 第一步：停止服务；
* 第二步：替换文件。

$$
E = mc^2
$$

![在这里插入图片描述](https://img.example.com/1.png)

~~旧的说明~~新的说明见<a href="/new">这里</a>。
"""

POST_ZH_PROSE = """部署笔记

重要：部署之前请先备份。这一步不能省略，否则数据可能丢失。参考备份。

提示

用 relay backup 命令即可。

注意

磁盘空间至少要有两倍。

第一步：停止服务；
第二步：替换文件。

旧的说明新的说明见这里。"""

DOCUMENTS = {"readme-en": (README_EN, README_EN_PROSE), "post-zh": (POST_ZH, POST_ZH_PROSE)}
