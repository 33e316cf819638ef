"""python -m tandem_client"""

import sys

from tandem_client.command.main import main

sys.exit(main())
