"""What stands in README.txt of an evidence pack: what it is, and how to check it without trusting it."""

TEXT = """\
银桥证据包
==========

这个压缩包里是若干老干部局在各自日志中签署的事件原文，以及不依赖任何服务器即可核验它们的全部材料：
联盟文件（谁是谁、各用什么密钥）、各日志的签名检查点和见证签名、默克尔树哈希块、事件原文。

如何核验

1. 核验程序 verify.py 和联盟文件第 1 版的摘要，请向您信任的人索取，例如您所在单位的审计人员、
   联盟成员单位或其官方网站。不要使用随本包一起送来的程序或摘要：伪造证据包的人也能伪造它们。
2. 准备一台装有 Python 3.11 或更新版本的计算机，并安装 cryptography：pip install cryptography
3. 运行：python -I verify.py 本包.yinqiao-evidence.zip --digest 您得到的摘要
4. 程序用中文和英文说明证明了什么、没有证明什么。退出码：0 全部成立，1 发现错误并指明位置，2 用法不对，
   3 全部成立但见证不足。

包内文件

manifest.json               目录：选了什么、何时制作、每个文件的 SHA-256
alliance/1.note …           联盟文件的全部版本
log/<日志>/checkpoint       该日志签名的检查点，以及见证节点的签名
log/<日志>/records.jsonl    事件原文，一行一条，逐字节与签名时相同
log/<日志>/tile/…           默克尔树哈希块（C2SP tlog-tiles）
schemas/<类型>.json         各类事件的 JSON Schema，便于阅读，未经签名
report.json                 报表（仅当本包为一份报表而制作）


Yinqiao evidence pack
=====================

This archive holds events exactly as bureaus for retired cadres signed them in their own logs, and all that
is needed to check them without any server: the alliance document (who is who, with which keys), each log's
signed checkpoint with the witnesses' cosignatures, Merkle tree tiles, and the events themselves.

How to check it

1. Get the verifier, verify.py, and the digest of version 1 of the alliance document from somebody you trust:
   your own auditors, or a member of the alliance or its official site. Do not use a program or a digest that
   came with this pack: whoever forges a pack can forge those too.
2. Take a computer with Python 3.11 or newer, and install cryptography: pip install cryptography
3. Run: python -I verify.py THIS.yinqiao-evidence.zip --digest THE-DIGEST-YOU-GOT
4. It says in Chinese and English what it proved and what it did not. Exit code: 0 all holds, 1 a fault was
   found and its place is named, 2 wrong use, 3 all holds but is not witnessed enough.

What is in it

manifest.json               contents: what was selected, when it was made, the SHA-256 of every file
alliance/1.note …           all versions of the alliance document
log/<log>/checkpoint        the log's signed checkpoint, with the witnesses' cosignatures
log/<log>/records.jsonl     the events, one a line, byte for byte as they were signed
log/<log>/tile/…            Merkle tree tiles (C2SP tlog-tiles)
schemas/<type>.json         JSON Schema of each type of event, for reading; not signed
report.json                 the report, when the pack was made for one
"""
