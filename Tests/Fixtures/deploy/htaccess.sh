# Sets up web space on a shared host, and uploads what its owner would.
a2enmod -q cgid rewrite
sed -i 's/AllowOverride None/AllowOverride All/' /etc/apache2/apache2.conf
systemctl restart apache2
install -d -m 700 -o www-data -g www-data /var/lib/demo
mkdir /var/www/html/sub
cp /srv/demo/DemoCGIApp /var/www/html/sub/
cp Examples/apache/htaccess /var/www/html/sub/.htaccess
sed -i 's|/home/you/demo.env|/etc/demo.env|' /var/www/html/sub/.htaccess
curl http://localhost/sub/
test "$(curl -s http://localhost/sub/hello/x%20y/?a=1)" = "Hello, x y!"
test "$(curl -s -o /dev/null -w '%{http_code}' http://localhost/sub/.htaccess)" != 200
