"""What the lines are like that sites put around a text: the tables of ``boilerplate``, in English and Chinese.

``PHRASES`` says enough alone. ``BUTTONS`` are words that a title or a sentence may also be; they mean a button only
beside other such lines.
"""

from __future__ import annotations

import re

__all__ = ["BUTTONS", "HOLDS", "NAVIGATION", "PHRASES", "PHRASES_ZH"]

_THING = "(?:article|post|page|story|entry|video|news|product|recipe)"

PHRASES = {
    "accept": r"all|all cookies|cookies|and close",
    "all": r"rights reserved.*|comments",
    "already": r"(a member|have an account|registered|a subscriber)\b.{0,40}",
    "back": r"to (the )?(top|home( ?page)?|main( page)?|index|list)",
    "by": r"(continuing|using|clicking|visiting|browsing|signing|subscribing)\b.*(cookie|privacy|terms of).*",
    "click": r"(here )?to (share|print|email|tweet|subscribe|enlarge|comment|read more|view)\b.*",
    "comments": r"(are )?(closed|off)\b.*|\(\d+\)",
    "continue": r"reading\b.*|to (site|article|next page).*",
    "cookie": r"(settings|policy|preferences|notice|consent|statement)",
    "copy": r"link( to clipboard)?|url",
    "copyright": r".*((19|20)\d\d|©).*",
    "create": r"(an|a free|your) account",
    "download": r"(the |our )?(mobile )?app\b.*",
    "email": rf"(this|address|this {_THING}|to a friend|us)",
    "enable": r"(javascript|cookies)\b.*",
    "filed": r"under:? .*",
    "follow": r"us( on .*)?",
    "forgot": r"(your |my )?password",
    "get": r"(our|the) (app|newsletter|latest news)\b.*",
    "join": r"(our|the) (newsletter|mailing list|conversation)",
    "jump": r"to( main)? ?(content|navigation|search|:).*",
    "javascript": r"(is|must be|seems|appears)\b.*(disabled|enabled|required|necessary).*",
    "leave": r"a (comment|reply)\b.{0,40}",
    "like": r"us on .*|this",
    "load": r"more( comments| posts| stories)?",
    "log": r"in (or|/) (sign up|register).*|in to (comment|continue|reply|post|vote|your account)\b.*",
    "login": r"(or register|/ ?register|to .{1,40})",
    "manage": r"(cookies|consent|preferences)",
    "newer": r"(posts?|entries|comments|stories)",
    "next": rf"{_THING}(:.*)?|page",
    "no": r"comments( yet)?",
    "older": r"(posts?|entries|comments|stories)",
    "page": r"\d{1,5} ?(of|/) ?\d{1,5}",
    "please": r"(enable|turn on) (javascript|cookies)\b.*|(log|sign) in\b.{0,40}|share this\b.*",
    "post": r"(a comment|navigation)",
    "posted": r"(in|under):? .{1,60}",
    "powered": r"by .{1,40}",
    "previous": rf"{_THING}(:.*)?|page",
    "print": rf"this( {_THING})?|friendly( version)?",
    "privacy": r"(policy|notice|statement) ?(and|&|[|·•/]).{0,60}",
    "read": r"more( about .{1,30}| on .{1,30}|:.{1,60})?|next:?.{0,60}|the (full|rest of the) (article|story|post)\b.*",
    "recommended": r"(for you|reading|articles|posts|stories|videos)",
    "related": r"(articles?|posts?|stories|news|topics?|content|links|videos|products|searches|pages|items|reading)",
    "report": r"(this|abuse|comment|ad)\b.{0,20}",
    "share": rf"(this|this {_THING}|article|story|post)|((this )?{_THING} )?(on|via|with)( (facebook|twitter|x|"
    r"linkedin|pinterest|whatsapp|reddit|e-?mail|telegram|weibo|wechat|instagram|and|or|,|&))+",
    "sign": r"(in|up) (or|/|for|to|now|here|today|with)\b.{0,60}",
    "skip": r"(to|navigation)\b.{0,30}",
    "sponsored": r"(content|links?|by .{1,40}|post)",
    "subscribe": r"(now|here|today|to|for|via|by)\b.{0,80}",
    "tags:": r".*",
    "tagged": r"(with|in|as|under)?:? .*",
    "terms": r"(of|and|&) (use|service|conditions|sale)\b.{0,60}",
    "thank": r"you for (reading|subscribing|visiting)",
    "thanks": r"for (reading|subscribing|visiting)",
    "this": r"(web)?site (uses|utili[sz]es) cookies\b.*|work is licensed under .*|entry was posted in .*",
    "toggle": r"(navigation|menu|sidebar|search)",
    "tweet": r"(this|it)",
    "view": r"(all comments|more (posts|comments|stories)|full (article|story)|in browser|desktop version)",
    "we": r"(and our partners )?(use|value|care about)\b.*(cookies|your privacy).*",
    "you": r"(may|might) (also like|also be interested|also enjoy|like)\b.{0,20}|must (be logged|log) in\b.*",
    "©": r".*",
    "(c)": r"(19|20)\d\d.*",
}
"""The first word of a line, and what follows it; the line is in lower case, without marks around it."""

PHRASES_ZH = {
    "版权": r"版权(所有|归).*|版权(声明|信息)[:：]?.*",
    "责任": r"责任编辑[:：].{1,30}",
    "责编": r"责编[:：].{1,30}",
    "上一": r"上一[篇页章条节个](文章|新闻)?[:：].*|上一[篇页章].{0,4}下一[篇页章]",
    "下一": r"下一[篇页章条节个](文章|新闻)?[:：].*",
    "返回": r"返回(顶部|首页|列表|上一页|目录|主页|栏目页?|.{2,4}首页)",
    "转载": r"转载(请|须|需)(注明|联系|保留).*|转载自.{1,40}",
    "本文": r"本文(版权|著作权)归.*|本文(地址|链接|网址|永久链接|标签|固定链接)[:：].*|本文转自.{1,40}",
    "未经": r"未经.{0,20}(许可|授权|同意|允许).{0,20}(不得|严禁|禁止|请勿|谢绝).*",
    "欢迎": r"欢迎(关注|扫码|订阅|加入|添加).{0,20}(公众号|微信|群|微博|订阅号|抖音).*",
    "点击": r"点击(查看|阅读|进入|下载|关注|展开)(更多|原文|全文|详情|大图|我们|客户端|专题).*",
    "阅读": r"阅读(原文|全文|更多)|阅读量?[:：]? ?\d+",
    "查看": r"查看(更多|原文|全文|全部|大图|所有)(评论|内容|图片)?",
    "展开": r"展开(全文|更多|阅读全文|剩余.*)?",
    "继续": r"继续(阅读|浏览).{0,10}",
    "扫描": r"扫描(下方|上方|左侧|右侧)?二维码.*",
    "扫码": r"扫码.{0,10}(关注|下载|分享|加|进|阅读).*",
    "扫一": r"扫一扫.*",
    "长按": r"长按.{0,10}(二维码|识别|关注).*",
    "微信": r"微信(扫一扫|扫码|公众号[:：]|号[:：]|分享|好友|朋友圈).*",
    "分享": r"分享(到|至|给|文章|本文|按钮|此|让).{0,30}|分享[:：].*",
    "关注": r"关注(我们|公众号|微信|官方微博).*",
    "收藏": r"收藏(本站|本文|本页|夹|[:：]? ?\d+)",
    "设为": r"设为首页.*",
    "加入": r"加入(收藏|书签|购物车).*",
    "当前": r"当前(位置|的位置|页面)[:：].*",
    "您的": r"您的(位置|当前位置)[:：].*",
    "您现": r"您现在的位置.*",
    "你的": r"你的位置[:：].*",
    "相关": r"相关(阅读|文章|新闻|推荐|链接|专题|话题|产品|内容|资讯|帖子|搜索)",
    "推荐": r"推荐(阅读|文章|新闻)",
    "热门": r"热门(文章|推荐|评论|标签|新闻|话题|排行)",
    "延伸": r"延伸阅读",
    "猜你": r"猜你(喜欢|感兴趣).*",
    "大家": r"大家都在(看|搜).*",
    "最新": r"最新(评论|文章|新闻|资讯)",
    "网友": r"网友(评论|跟帖).{0,20}",
    "发表": r"发表(评论|回复|我的评论)",
    "我要": r"我要(评论|投稿|举报|纠错|留言|反馈)",
    "暂无": r"暂无(评论|留言|数据|相关.*)",
    "全部": r"全部评论.*",
    "登录": r"登[录陆](后|以后|之后)?(可|才能|即可|查看|发表|参与|评论).*|登[录陆] ?[/|｜·] ?注册.*|登录注册",
    "请先": r"请先登[录陆].*",
    "注册": r"注册 ?[/|｜·] ?登[录陆]",
    "友情": r"友情链接.*",
    "违法": r"违法(和|及)?不良信息举报.*",
    "举报": r"举报(电话|邮箱|热线|中心|此|本)[:：]?.*",
    "客服": r"客服(热线|电话)[:：].*",
    "网站": r"网站(地图|声明|备案号?|导航)[:：]?.*|网站(首页|简介) ?[|｜>].*",
    "备案": r"备案(号|序号|许可证)?[:：].*",
    "字号": r"字号[:：].*",
    "打印": r"打印(本页|本文|文章|此页|.{0,3}关闭.{0,3})",
    "广告": r"广告(服务|合作|投放|也是.*)",
    "免责": r"免责(声明|条款)[:：].*(本站|本网|本平台|转载).*",
    "声明": r"声明[:：].*(本站|本网|本平台|转载|版权归).*",
    "特别": r"特别声明[:：].*(本站|本网|本平台|转载|版权归).*",
    "原文": r"原文(链接|地址|出处|网址)[:：].*",
    "文章": r"文章(来源|出处|链接|作者|标签|关键词|分类)[:：].{1,60}",
    "来源": r"来源[:：].{1,30}",
    "编辑": r"编辑[:：].{1,20}",
    "标签": r"标签[:：].*",
    "关键": r"关键[词字][:：].*",
    "分类": r"分类[:：].{1,30}",
    "浏览": r"浏览(次数|量|数)?[:：] ?\d.*",
    "发布": r"发布(时间|日期|于|者|人)[:：].{1,60}",
    "更新": r"更新(时间|日期|于)[:：].{1,40}",
    "本站": r"本站使用.{0,10}cookie.*|本站(部分|所有|内容|文章|资源|信息).{0,30}(版权|转载|侵权|来源于|来自).*",
    "本网": r"本网站使用.{0,10}cookie.*|本网(注明|转载|站声明).*",
    "我们": r"我们使用.{0,20}cookie.*",
    "接受": r"接受(所有|全部).{0,4}cookie.*",
    "跳到": r"跳到(主要|主|正文)?内容|跳到(导航|搜索)",
    "跳转": r"跳转(到|至)(主要|主|正文)?(内容|导航|搜索)",
    "第 ": r"第 ?\d{1,4} ?页.{0,12}",
}
"""The first two characters of a line, and the whole of it."""

BUTTONS = frozenset(
    line.strip()
    for line in """
    about, about us, accept, account, add comment, add to cart, advertise, advertisement, apply, ask, blog, browse, buy,
    cancel, cart, categories, checkout, close, comment, comments, contact, contact us, cookies, cookie policy, delete,
    donate, download, edit, email, english, facebook, faq, feedback, follow, forum, forums, gallery, help, hide, home,
    instagram, jobs, language, languages, learn more, like, linkedin, log in, log out, login, logout, main menu, menu,
    more, my account, navigation, newer, news, newsletter, next, ok, older, permalink, photos, pin, pin it, popular,
    previous, print, privacy, privacy policy, privacy notice, products, quote, register, reply, report, rss, save,
    search, see all, see more, send, services, settings, share, share:, shop, show all, show less, show more, sign in,
    sign out, sign up, site map, sitemap, sort by, sponsored, store, subscribe, submit, support, tags, terms,
    terms of service, terms of use, top, top stories, trending, tweet, twitter, videos, view all, view more, whatsapp,
    youtube, 首页, 主页, 登录, 登陆, 注册, 退出, 搜索, 分享, 收藏, 点赞, 赞, 踩, 打印, 关闭, 评论, 回复, 举报, 广告,
    导航, 菜单, 关于, 关于我们, 联系我们, 联系方式, 加入我们, 帮助, 帮助中心, 反馈, 意见反馈, 订阅, 下载, 更多, 目录,
    上一篇, 下一篇, 上一页, 下一页, 上一章, 下一章, 尾页, 末页, 顶部, 微博, 微信, qq空间, 朋友圈, 复制链接, 手机版,
    电脑版, 客户端, 设为首页, 加入收藏, 网站地图, 人才招聘, 招聘, 法律声明, 隐私政策, 隐私条款, 用户协议, 服务条款,
    免责声明, 友情链接, 产品中心, 新闻中心, 新闻, 论坛, 博客, 视频, 图片, 字号, 大 中 小, 大, 中, 小, 分享到, 复制,
    购物车, 我的, 个人中心, 全部, 综合, 关注, 取消, 确定, 提交, 发送, 简体, 繁体, 繁體, 中文, english version
    """.replace("\n", "").split(",")
)
"""Whole lines, in lower case."""

NAVIGATION = BUTTONS | frozenset(
    line.strip()
    for line in """
    archive, archives, business, careers, community, company, documentation, docs, education, entertainment, events,
    health, investors, legal, lifestyle, media, opinion, partners, politics, press, pricing, science, sitemap, sport,
    sports, team, technology, tech, travel, weather, world, accessibility, cookie settings, do not sell my info, 国内,
    国际, 财经, 体育, 娱乐, 科技, 汽车, 房产, 健康, 教育, 军事, 社会, 文化, 旅游, 时政, 公司简介, 版权声明, 网站首页,
    español, français, deutsch, italiano, português, русский, 日本語, 한국어, 简体中文, 繁體中文, 繁体中文
    """.replace("\n", "").split(",")
)
"""What stands between the strokes of a navigation line."""

HOLDS = re.compile(
    r"rights? reserved|版权所有|icp[备证]|公网安备|转载请注明|(谢绝|严禁|禁止|不得)转载$|"
    r"(uses?|accept|using) cookies|cookie policy"
)
"""A short line that holds one of these is a notice, wherever in it they stand."""
