"""What others offer, each as a small application with the benchmark's views."""
