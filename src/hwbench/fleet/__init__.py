"""Many machines: runs go to a store, one Parquet a day is read from there. No coordinator runs meanwhile.

Left of the store each machine writes its own runs, right of it this package reads those of all. Nothing in a store is
trusted: names are data, and objects that cannot be read are named and left out.
"""
