"""What buyers on account still have to pay: invoice by invoice, settled by bank transfers, reminded, written off."""
