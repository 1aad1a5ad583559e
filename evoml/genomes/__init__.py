"""What evolves. Each kind of genome is one folder, and no other floor knows which kind it drives."""
