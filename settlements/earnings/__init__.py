"""Which of a vendor's money is pending, earned or due, vendor order by vendor order."""
