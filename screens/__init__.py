"""What pages look like and how quickly they come: `make screenshots` and `make lighthouse`."""
