"""Makes the topics named as arguments, for suites whose client cannot: the server makes none by itself."""

import os
import sys

from confluent_kafka.admin import AdminClient, NewTopic

client = AdminClient({"bootstrap.servers": os.environ["BOOTSTRAP"]})
for made in client.create_topics([NewTopic(name, 1, 1) for name in sys.argv[1:]]).values():
    made.result(30)
