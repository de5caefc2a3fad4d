"""What a web process of the shop does: it hands the confirmation over, and does not wait.

python examples/celery_app/place_order.py anna@example.org ben@example.org
"""

import sys

from shop import mailer

if __name__ == "__main__":
    for customer in sys.argv[1:]:
        info = mailer.send_mail(to=customer, subject="Your order", text="Thank you!")
        print(info.server_message_id)  # the task; its result says what became of the message
