"""Sign a GET of S3 as botocore does: a second opinion on the program's own signature.

Usage: sign.py < {"url": "...", "region": "...", "keyId": "...", "secret": "...", "token": null,
                  "date": "20260102T030405Z"}

It prints the Authorization header.
"""

import datetime
import json
import sys

try:
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError as missing:
    sys.exit(f"botocore is missing from {sys.executable}: {missing}")

asked = json.load(sys.stdin)
moment = datetime.datetime.strptime(asked["date"], "%Y%m%dT%H%M%SZ")
botocore.auth.get_current_datetime = lambda *_, **__: moment
credentials = Credentials(asked["keyId"], asked["secret"], asked["token"])
request = AWSRequest("GET", asked["url"], headers={})
botocore.auth.S3SigV4Auth(credentials, "s3", asked["region"]).add_auth(request)
print(request.headers["Authorization"])
